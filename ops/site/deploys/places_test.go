package deploys

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// said is what the check says of a port, and of nginx's file where it is told apart.
type said struct {
	state ops.State
	text  string
}

// checked compares what is said of each port with what it should be.
func checked(t *testing.T, d *Desk, when string, want map[int]said) {
	t.Helper()
	all := deploy.JudgePorts(look(t.Context(), d).places(t.Context()))
	for port, w := range want {
		var found []deploy.Finding
		for _, f := range all {
			if f.Name == fmt.Sprint("port-", port) {
				found = append(found, f)
			}
		}
		if len(found) != 1 || found[0].State != w.state || !strings.Contains(found[0].Detail.String(), w.text) ||
			w.state != ops.StateOK && (found[0].Fix == "" || found[0].Why.Empty()) {
			t.Errorf("%s: port %d: %+v, want %v with %q", when, port, found, w.state, w.text)
		}
	}
}

// stranger has another program listen on a port, in a folder of its own, and tells how the
// check should name it.
func stranger(t *testing.T, port int) (named string, stop func()) {
	t.Helper()
	cmd := exec.Command("node", "-e", fmt.Sprintf("require('net').createServer().listen(%d, '127.0.0.1')", port))
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	awaitPort(t, port, true)
	return fmt.Sprintf("(pid %d), not by shop", cmd.Process.Pid), stop
}

// awaitPort waits until a port is listened on, or no longer.
func awaitPort(t *testing.T, port int, open bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		if (err == nil) == open {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("port %d: %v", port, err)
		}
	}
}

// TestTheCheckSaysWhoHoldsThePortsOfTheSwitch, where the instances are started by commands.
func TestTheCheckSaysWhoHoldsThePortsOfTheSwitch(t *testing.T) {
	s, _, ports := behindNginx(t)
	run := func(port int, line string) {
		cmd := exec.Command("sh", "-c", fmt.Sprintf("PORT=%d; ", port)+line)
		cmd.Dir = s.app
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", line, err, out)
		}
	}
	free := said{ops.StateOK, "free, for the next release of shop"}
	users := said{ops.StateOK, "for shop: nginx sends users here"}
	checked(t, s.Desk, "one release", map[int]said{ports[0]: users, ports[1]: free})
	named, stop := stranger(t, ports[1])
	checked(t, s.Desk, "a stranger on the free port", map[int]said{ports[0]: users,
		ports[1]: {ops.StateCritical, named}})
	stop()
	run(ports[1], s.conf.Switch.Start)
	awaitPort(t, ports[1], true)
	checked(t, s.Desk, "two releases", map[int]said{ports[0]: users, ports[1]: {ops.StateOK, "which users do not get"}})
	run(ports[0], s.conf.Switch.Stop)
	checked(t, s.Desk, "only the other release", map[int]said{ports[0]: {ops.StateCritical, "nothing listens"}})
	run(ports[1], s.conf.Switch.Stop)
	checked(t, s.Desk, "nothing runs", map[int]said{ports[0]: {ops.StateWarning, "free: shop is stopped"},
		ports[1]: free})
	named, _ = stranger(t, ports[0])
	checked(t, s.Desk, "a stranger gets the users", map[int]said{ports[0]: {ops.StateCritical, named}, ports[1]: free})
	if f := look(t.Context(), s.Desk).upstreamFile(); len(f) != 1 || f[0].State != ops.StateOK {
		t.Errorf("%+v", f)
	}
	write(t, s.conf.Switch.File, "# nothing\n", 0o644)
	v := look(t.Context(), s.Desk)
	f := v.upstreamFile()
	if len(f) != 1 || f[0].State != ops.StateWarning || !strings.HasPrefix(f[0].Fix, "printf ") || f[0].Why.Empty() {
		t.Errorf("%+v", f)
	}
	checked(t, s.Desk, "which port users get is not known", map[int]said{ports[0]: {ops.StateCritical, named},
		ports[1]: {ops.StateOK, "free, for shop"}})
}
