package service

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/health"
)

const project = `version: "2.4"
services:
  back:
    image: ` + testdb.BusyboxImage + `
    network_mode: none
    environment: {MYSQL_ROOT_PASSWORD: hunter2}
    command: ["sh", "-c", "touch /tmp/well; trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    healthcheck: {test: ["CMD-SHELL", "test -e /tmp/well || { echo the disk is 满; exit 1; }"], interval: 1s, timeout: 5m, retries: 1}
  broken:
    image: ` + testdb.BusyboxImage + `
    network_mode: none
    command: ["no-such-program"]
`

// TestRealComposeServiceIsFollowedAndDriven walks a service of a real Docker
// engine through everything it can be, by both programs called Compose.
func TestRealComposeServiceIsFollowedAndDriven(t *testing.T) {
	engine := testdb.Docker(t)
	for _, which := range []string{"old", "plugin"} {
		t.Run(which, func(t *testing.T) { followCompose(t, engine, which) })
	}
}

func followCompose(t *testing.T, engine *testdb.DockerEngine, which string) {
	engine.Start(t) // the walk before this one ends by stopping it
	t.Setenv("DOCKER_HOST", engine.Host)
	t.Setenv("DOCKER_CONFIG", engine.Compose(t, which))
	dir := filepath.Join(engine.Dir, "千张 "+which)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeProject(t, dir, "name: shop"+which+"\n", which)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	service := func(name string) (health.Controller, func(health.ProcessState) health.Process) {
		c, err := New(config.Process{Kind: "compose", Name: name, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return c, func(state health.ProcessState) health.Process { return eventually(ctx, t, c, state) }
	}
	back, want := service("back")
	if p := want(health.ProcessStopped); p.Instances != 0 || p.Reason.Empty() {
		t.Fatalf("before it was ever started: %+v", p)
	}
	act := func(what func(context.Context) error) {
		t.Helper()
		for range 2 { // the second time there is nothing to do
			if err := what(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	act(back.Start)
	p := want(health.ProcessRunning)
	if p.PID < 2 || !between(p.Since, began) || p.Running != 1 || strings.Contains(p.Raw, "hunter2") {
		t.Fatalf("%+v", p)
	}
	id := engine.Run(t, "docker", "ps", "--quiet", "--filter", "label=com.docker.compose.service=back")
	engine.Run(t, "docker", "exec", id, "rm", "/tmp/well")
	if p := want(health.ProcessFailed); !strings.Contains(p.Reason.String(), "the disk is 满") {
		t.Fatalf("unhealthy: %s", p.Reason)
	}
	engine.Run(t, "docker", "pause", id)
	want(health.ProcessStopped)
	engine.Run(t, "docker", "unpause", id)
	act(back.Stop)
	want(health.ProcessStopped)
	act(back.Start)
	want(health.ProcessRunning)
	engine.Run(t, "docker", "kill", id)
	if p := want(health.ProcessStopped); !strings.Contains(p.Reason.String(), "137") {
		t.Fatalf("killed: %s", p.Reason)
	}

	broken, want := service("broken")
	if err := broken.Start(ctx); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Fatalf("a command that is not there: %v", err)
	}
	if p := want(health.ProcessFailed); !strings.Contains(p.Reason.String(), "no-such-program") {
		t.Fatalf("%s", p.Reason)
	}
	_, want = service("nobody")
	if p := want(health.ProcessUnknown); !strings.Contains(
		strings.ToLower(p.Reason.String()),
		"no such service: nobody",
	) {
		t.Fatalf("%s", p.Reason)
	}
	engine.Stop(t)
	if p := back.Status(ctx); p.State != health.ProcessUnknown || p.Remedy != "systemctl start docker" {
		t.Fatalf("without an engine: %+v", p)
	}
}

// between tells whether a process began in the test's time, give or take a minute
// of clocks that differ.
func between(since, began time.Time) bool {
	return since.After(began.Add(-time.Minute)) && since.Before(time.Now().Add(time.Minute))
}

// writeProject writes the project's file; the old program does not know its name.
func writeProject(t *testing.T, dir, name, which string) {
	t.Helper()
	text := project
	if which == "plugin" {
		text = name + project
	}
	if err := os.WriteFile(filepath.Join(dir, "docker-compose.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a state: a health check has its interval.
func eventually(ctx context.Context, t *testing.T, c health.Controller, state health.ProcessState) health.Process {
	t.Helper()
	for {
		p := c.Status(ctx)
		if p.State == state {
			return p
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s (%s), want %s; commands %+v", p.State, p.Reason, state, c.Commands())
		}
	}
}
