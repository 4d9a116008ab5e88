package probe

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// TestAProcessThatIsDownNamesWhoHoldsItsPort, and one that runs does not: then it holds
// the port itself.
func TestAProcessThatIsDownNamesWhoHoldsItsPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	for state, names := range map[health.ProcessState]bool{health.ProcessStopped: true, health.ProcessFailed: true,
		health.ProcessRunning: false, health.ProcessUnknown: false, health.ProcessStarting: false} {
		look := func(context.Context) health.Result {
			return processResult(health.Process{Name: "shop", State: state, Reason: lang.M("waiting")})
		}
		r := Taken(look, port)(t.Context())
		taken := fmt.Sprintf("port %d is taken by pid %d", port, os.Getpid())
		if got := strings.Contains(r.Detail.String(), taken); got != names {
			t.Errorf("%s: %s", state, r.Detail)
		}
		if names && (!strings.Contains(r.Next.String(), fmt.Sprint("sport = :", port)) ||
			r.State != ops.StateCritical) {
			t.Errorf("%s: %s", state, r.Next)
		}
	}
	l.Close()
	look := func(context.Context) health.Result {
		return processResult(health.Process{State: health.ProcessStopped})
	}
	if r := Taken(look, port)(t.Context()); strings.Contains(r.Detail.String(), "taken") {
		t.Errorf("a free port: %s", r.Detail)
	}
}

// TestWhatServesUsersIsNoCause: a real nginx has the port of health.url all the time.
func TestWhatServesUsersIsNoCause(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil && os.Getenv("OPSDECK_REAL") == "required" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("pid %[1]s/pid; error_log %[1]s/error.log; events {}\nhttp { access_log off;\n"+
		"client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u;\n"+
		"scgi_temp_path %[1]s/s; server { listen 127.0.0.1:%[2]d; } }\n", dir, port)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(nginx, "-c", conf).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	defer exec.Command(nginx, "-s", "stop", "-c", conf).Run()
	look := func(context.Context) health.Result {
		return processResult(health.Process{Name: "shop", State: health.ProcessStopped})
	}
	if held, pid, name := portHolder(port); held != taken || pid == 0 || name != "nginx" {
		t.Fatalf("%v %d %s", held, pid, name)
	}
	if r := Taken(look, port)(t.Context()); strings.Contains(fmt.Sprint(r.Detail, r.Why), "taken") ||
		r.State != ops.StateCritical {
		t.Errorf("%s %s", r.State, r.Detail)
	}
}

func TestOnlyAPortOfThisMachineIsLookedAt(t *testing.T) {
	for address, want := range map[string]int{"http://localhost:3000": 3000, "http://127.0.0.1": 80,
		"https://[::1]":          443,
		"http://db.example:3000": 0, "": 0, "10.0.0.1:3000": 0} {
		if got := LocalPort(address); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
}

// TestAPortThatIsFreeAgainIsNotTaken: while a process holds the port it is named, once;
// afterwards the log's line is past, and the next step is to start the service.
func TestAPortThatIsFreeAgainIsNotTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	log := filepath.Join(t.TempDir(), "shop-error.log")
	text := fmt.Sprintf("Error: listen EADDRINUSE: address already in use 127.0.0.1:%d\n", port)
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := lang.M("Start it: %s", "pm2 restart shop")
	look := Taken(func(context.Context) health.Result {
		p := health.Process{Name: "shop", State: health.ProcessFailed, Logs: []string{log}}
		r := processResult(p)
		r.Next = start
		explain(&r, p, nil, time.Now())
		return r
	}, port)
	r := look(t.Context())
	if n := strings.Count(r.Detail.String(), "is taken by pid"); n != 1 {
		t.Errorf("said %d times: %s", n, r.Detail)
	}
	l.Close()
	r = look(t.Context())
	if d := r.Detail.String(); strings.Contains(d, "is taken") || !strings.Contains(d, "it is free now") {
		t.Errorf("a free port: %s", d)
	}
	if r.Next.String() != start.String() {
		t.Errorf("next: %s", r.Next)
	}
}
