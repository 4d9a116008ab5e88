package service

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/health"
)

const backUnit = `[Service]
ExecStart=/bin/sleep 1000
Restart=on-failure
RestartSec=100ms
StandardOutput=null
StandardError=null
`

// TestRealSystemdUnitIsFollowedAndDriven walks a unit of a real systemd through
// everything it can be.
func TestRealSystemdUnitIsFollowedAndDriven(t *testing.T) {
	manager := testdb.Systemd(t)
	t.Setenv("PATH", manager.Bin+":"+os.Getenv("PATH"))
	manager.Unit(t, "back.service", backUnit)
	manager.Unit(t, "broken.service", "[Service]\nExecStart=/bin/false\nStandardOutput=null\nStandardError=null\n")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	control := func(unit string) (health.Controller, func(health.ProcessState) health.Process) {
		c, err := New(config.Process{Kind: "systemd", Name: unit})
		if err != nil {
			t.Fatal(err)
		}
		return c, func(state health.ProcessState) health.Process { return eventually(ctx, t, c, state) }
	}
	began := time.Now()
	back, want := control("back.service")
	want(health.ProcessStopped)
	for _, step := range []struct {
		do    func(context.Context) error
		state health.ProcessState
	}{{back.Start, health.ProcessRunning}, {back.Stop, health.ProcessStopped}, {back.Start, health.ProcessRunning}} {
		for range 2 { // the second time there is nothing to do
			if err := step.do(ctx); err != nil {
				t.Fatal(err)
			}
		}
		want(step.state)
	}
	if p := want(health.ProcessRunning); p.PID < 2 || !between(p.Since, began) || p.Restarts != 0 {
		t.Fatalf("%+v", p)
	}
	manager.Systemctl(t, "kill", "--signal=KILL", "back.service")
	for p := want(health.ProcessRunning); p.Restarts != 1; p = want(health.ProcessRunning) {
		time.Sleep(50 * time.Millisecond)
	}

	broken, want := control("broken.service")
	if err := broken.Start(ctx); err != nil { // systemd has started it: that it ended is for the status to tell
		t.Fatal(err)
	}
	if p := want(health.ProcessFailed); p.Reason.String() != "exit-code" {
		t.Fatalf("%+v", p)
	}
	nobody, want := control("nobody.service")
	if p := want(health.ProcessUnknown); !strings.Contains(p.Reason.String(), "nobody.service") {
		t.Fatalf("%+v", p)
	}
	if err := nobody.Start(ctx); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Fatalf("a unit that is not there: %v", err)
	}
}
