package testdb

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// PM2Daemon is a real PM2 with a home folder of its own.
type PM2Daemon struct {
	Home string // PM2_HOME; logs are in Home/logs
	Bin  string // path of the pm2 command
	Dir  string // a folder for the test's scripts

	proc *process
}

// PM2 starts a PM2 daemon of the test's own. It and everything under it end with
// the test.
func PM2(t testing.TB) *PM2Daemon {
	t.Helper()
	bin, err := program(filepath.Join(cacheDir(), "pm2", "node_modules", ".bin"), "pm2")
	if err != nil {
		absent(t, err)
	}
	if _, err := program("", "node"); err != nil {
		absent(t, err)
	}
	dir, err := newFolder("pm2")
	if err != nil {
		t.Fatal(err)
	}
	p := &PM2Daemon{Home: filepath.Join(dir, "home"), Bin: bin, Dir: dir}
	t.Cleanup(func() {
		p.Kill(t)
		os.RemoveAll(dir)
	})
	for _, sub := range []string{"logs", "pids", "modules"} {
		if err := os.MkdirAll(filepath.Join(p.Home, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.Start(t)
	return p
}

// Start starts the daemon if it does not run.
func (p *PM2Daemon) Start(t testing.TB) {
	t.Helper()
	if p.proc != nil && p.proc.running() {
		return
	}
	node, err := program("", "node")
	if err != nil {
		absent(t, err)
	}
	// The daemon as `pm2` itself would start it, but as our child, so that the
	// kernel ends it with the test process.
	script, err := filepath.EvalSymlinks(p.Bin)
	if err != nil {
		t.Fatal(err)
	}
	daemon := filepath.Join(filepath.Dir(script), "..", "lib", "Daemon.js")
	if p.proc, err = launch(p.Dir, p.env(), node, daemon); err != nil {
		t.Fatal(err)
	}
	err = p.proc.ready(func(context.Context) error {
		conn, err := net.Dial("unix", filepath.Join(p.Home, "rpc.sock"))
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("start pm2: %v", err)
	}
}

func (p *PM2Daemon) env() []string { return []string{"PM2_HOME=" + p.Home, "HOME=" + p.Dir} }

// Run runs a pm2 command (`start`, `stop`, `jlist` …) and returns its output.
func (p *PM2Daemon) Run(t testing.TB, args ...string) []byte {
	t.Helper()
	return p.RunWith(t, nil, args...)
}

// RunWith is Run with further variables, which what is started gets too.
func (p *PM2Daemon) RunWith(t testing.TB, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(p.Bin, args...)
	cmd.Dir, cmd.Env = p.Dir, slices.Concat(os.Environ(), p.env(), env)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pm2 %v: %v: %s", args, err, out)
	}
	return out
}

// Kill ends the daemon and its processes, and waits for it.
func (p *PM2Daemon) Kill(t testing.TB) {
	t.Helper()
	if p.proc == nil || !p.proc.running() {
		return
	}
	cmd := exec.Command(p.Bin, "kill")
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.env()...)
	cmd.Run()
	p.proc.kill()
}
