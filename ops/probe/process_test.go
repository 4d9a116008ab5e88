package probe

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// puppet is a controller that says what it is told.
type puppet struct{ p health.Process }

func (c *puppet) Status(context.Context) health.Process { return c.p }
func (c *puppet) Start(context.Context) error           { return nil }
func (c *puppet) Stop(context.Context) error            { return nil }
func (c *puppet) Commands() health.Commands             { return health.Commands{Start: "up"} }

// TestACrashLoopIsSeenAtTheFirstLook: PM2 says online while it starts the process
// again and again; a deployment that restarts it is none.
func TestACrashLoopIsSeenAtTheFirstLook(t *testing.T) {
	log := filepath.Join(t.TempDir(), "back-error.log")
	crash := "/srv/a.js:1\nError: Cannot find module 'x'\n\nNode.js v20.1.0\n"
	now := time.Now()
	for name, c := range map[string]struct {
		text string
		p    health.Process
		want ops.State
	}{
		"loop": {crash, health.Process{State: health.ProcessRunning, Since: now, Restarts: 5},
			ops.StateCritical},
		"waits":        {crash, health.Process{State: health.ProcessStarting, Restarts: 5}, ops.StateCritical},
		"first time":   {crash, health.Process{State: health.ProcessStarting, Again: true}, ops.StateCritical},
		"says nothing": {"all well\n", health.Process{State: health.ProcessStarting, Again: true}, ops.StateWarning},
		"starts":       {crash, health.Process{State: health.ProcessStarting, Restarts: 1}, ops.StateWarning},
		"unstable": {"", health.Process{State: health.ProcessRunning, Since: now, Unstable: 3, Restarts: 3},
			ops.StateCritical},
		"deployed": {"all well\n", health.Process{State: health.ProcessRunning, Since: now, Restarts: 5},
			ops.StateOK},
		"stable for long": {crash,
			health.Process{State: health.ProcessRunning, Since: now.Add(-time.Hour), Unstable: 3, Restarts: 5},
			ops.StateOK},
	} {
		if err := os.WriteFile(log, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.p.Name, c.p.Logs = "back", []string{log}
		r := look(t, Process(&puppet{c.p}, nil, time.Now))
		if r.State != c.want {
			t.Errorf("%s: %s %s", name, r.State, r.Detail)
		}
	}
}

// TestAStoppedProcessNamesWhatEndedIt: a start alone would not last. What does not end a
// process, or was long ago, explains nothing.
func TestAStoppedProcessNamesWhatEndedIt(t *testing.T) {
	log := filepath.Join(t.TempDir(), "back-error.log")
	const heap = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"
	now := time.Now()
	for name, c := range map[string]struct {
		text string
		age  time.Duration
		why  string
		next string
	}{
		"heap":     {heap, time.Minute, "the service ran out of memory", "Start it: up; then: Raise the heap limit"},
		"long ago": {heap, time.Hour, "", "Start it: up"},
		"module":   {"Error: Cannot find module 'x'\n", time.Minute, "module", "Install the modules"},
		"by hand":  {"[App] Unable to connect to the database\n", time.Minute, "", "Start it: up"},
	} {
		if err := os.WriteFile(log, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(log, now.Add(-c.age), now.Add(-c.age))
		p := health.Process{Kind: "command", Name: "back", State: health.ProcessStopped}
		r := look(t, Process(&puppet{p}, []string{log}, func() time.Time { return now }))
		if why := r.Why.String(); !strings.Contains(why, c.why) || (why == "") != (c.why == "") ||
			!strings.HasPrefix(r.Next.String(), c.next) || !r.Down {
			t.Errorf("%s: %s; next %s", name, r.Detail, r.Next)
		}
	}
}

// TestAProcessWithoutAStatusCommandIsToldWhatToConfigure, not to run its start command.
func TestAProcessWithoutAStatusCommandIsToldWhatToConfigure(t *testing.T) {
	r := look(t, Process(&puppet{health.Process{Kind: "command", State: health.ProcessUnknown}}, nil, time.Now))
	if r.State != ops.StateUnknown || !strings.HasPrefix(r.Next.String(), "Set process.status") {
		t.Errorf("%s; next %s", r.Detail, r.Next)
	}
}

func TestProcessStates(t *testing.T) {
	c := &puppet{}
	p := Process(c, nil, time.Now)
	for _, step := range []struct {
		name string
		p    health.Process
		want ops.State
	}{
		{"running", health.Process{Name: "b", State: health.ProcessRunning, Since: noon, Restarts: 2,
			MemoryBytes: 1 << 20}, ops.StateOK},
		{"restarted", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4}, ops.StateWarning},
		{"steady again", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4}, ops.StateOK},
		{"one of two", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4, Instances: 2, Running: 1},
			ops.StateWarning},
		{"starting", health.Process{Name: "b", State: health.ProcessStarting, Restarts: 4}, ops.StateWarning},
		{"stopped", health.Process{Name: "b", State: health.ProcessStopped, Restarts: 4}, ops.StateCritical},
		{"failed", health.Process{Name: "b", State: health.ProcessFailed, Restarts: 4}, ops.StateCritical},
		{"unknown", health.Process{Name: "b", State: health.ProcessUnknown, Reason: lang.Raw("no docker")},
			ops.StateUnknown},
	} {
		c.p = step.p
		r := look(t, p)
		if r.State != step.want || r.State == ops.StateCritical && r.Next.String() != "Start it: up" {
			t.Errorf("%s: %s %s %s", step.name, r.State, r.Detail, r.Next)
		}
	}
}
