package deploys

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/listener"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// TestAServiceBehindNginxIsUpdated: the port of health.url is nginx's, before and after, and
// no reason not to start the service. A stranger on the service's own port still is.
func TestAServiceBehindNginxIsUpdated(t *testing.T) {
	t.Parallel()
	nginx := nginxBin(t)
	s := newShop(t, nil)
	s.commit("env", map[string]string{".gitignore": "node_modules\npackage-lock.json\n.env\n"})
	s.repoPull()
	front := freePorts(t, 1)[0]
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	conf, file := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "shop.conf")
	write(t, conf, nginxConf(dir, file, front), 0o644)
	write(t, file, fmt.Sprintf("upstream shop { server 127.0.0.1:%d; }\n", s.port), 0o644)
	if out, err := exec.Command(nginx, "-c", conf).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	t.Cleanup(func() { exec.Command(nginx, "-s", "stop", "-c", conf).Run() })
	s.Service.Health.URL = fmt.Sprintf("http://127.0.0.1:%d", front)
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	if _, state := s.deploy("update"); state.Result != deploy.ResultDone || s.version() != "2.0.0" {
		t.Fatalf("%s %s %v, release %s", state.Result, state.Detail, state.Tail, s.version())
	}
	write(t, filepath.Join(s.app, ".env"), fmt.Sprintf("PORT=%d\n", s.port), 0o600)
	if out, err := exec.Command("sh", "-c", s.Service.Process.Stop).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if err := portFree(s.Desk, s.app); err != nil {
		t.Errorf("nobody has the service's port: %v", err)
	}
	named, _ := stranger(t, s.port)
	named, _, _ = strings.Cut(named, ",")
	if err := portFree(s.Desk, s.app); err == nil || !strings.Contains(err.Error(), named) {
		t.Errorf("%v, want %s", err, named)
	}
}

// TestAHolderOfAPortThatCannotBeSeenIsNotNamed: "pid 0" helps nobody.
func TestAHolderOfAPortThatCannotBeSeenIsNotNamed(t *testing.T) {
	for _, c := range []struct {
		by         listener.Socket
		what, hint string
	}{
		{listener.Socket{PID: 42, Name: "node"}, "port 3000 is taken by node (pid 42)", "ps -fp 42"},
		{listener.Socket{}, "port 3000 is taken by another process", "ss -ltnp 'sport = :3000'"},
	} {
		e := taken(3000, c.by).(*ops.Error)
		if e.What.String() != c.what || !strings.HasSuffix(e.Hint.String(), c.hint) {
			t.Errorf("%q, %q", e.What, e.Hint)
		}
	}
}
