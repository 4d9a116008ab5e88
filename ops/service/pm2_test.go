package service

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/health"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func TestRealPM2ProcessStopsAndComesBack(t *testing.T) {
	daemon := testdb.PM2(t)
	t.Setenv("PATH", filepath.Dir(daemon.Bin)+":"+os.Getenv("PATH"))
	script := filepath.Join(daemon.Dir, "app.js")
	if err := os.WriteFile(script, []byte("setInterval(() => {}, 1000)"), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	daemon.Run(t, "start", script, "--name", "back-千张")
	c, err := New(config.Process{Kind: "pm2", Name: "back-千张", Home: daemon.Home})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	want := func(state health.ProcessState) health.Process {
		t.Helper()
		p := c.Status(ctx)
		if p.State != state {
			t.Fatalf("%s (%s), want %s", p.State, p.Reason, state)
		}
		return p
	}
	if p := want(health.ProcessRunning); p.PID < 2 || p.MemoryBytes == 0 || p.Since.Before(began.Add(-time.Minute)) {
		t.Fatalf("%+v", p)
	}
	for range 2 { // the second time it is stopped already
		if err := c.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want(health.ProcessStopped)
	for range 2 { // the second time it runs already
		if err := c.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want(health.ProcessRunning)
	daemon.Kill(t)
	if p := want(health.ProcessStopped); p.Remedy != "pm2 resurrect" {
		t.Fatalf("without a daemon: %+v", p)
	}
	if c := (&pm2{home: daemon.Home}); c.alive(ctx) {
		t.Fatal("a look started a daemon")
	}
}
