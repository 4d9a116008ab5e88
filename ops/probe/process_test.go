package probe

import (
	"context"
	"testing"

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

func TestProcessStates(t *testing.T) {
	c := &puppet{}
	p := Process(c)
	for _, step := range []struct {
		name string
		p    health.Process
		want ops.State
	}{
		{"running", health.Process{Name: "b", State: health.ProcessRunning, Since: noon, Restarts: 2, MemoryBytes: 1 << 20}, ops.StateOK},
		{"restarted", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4}, ops.StateWarning},
		{"steady again", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4}, ops.StateOK},
		{"one of two", health.Process{Name: "b", State: health.ProcessRunning, Restarts: 4, Instances: 2, Running: 1}, ops.StateWarning},
		{"starting", health.Process{Name: "b", State: health.ProcessStarting, Restarts: 4}, ops.StateWarning},
		{"stopped", health.Process{Name: "b", State: health.ProcessStopped, Restarts: 4}, ops.StateCritical},
		{"failed", health.Process{Name: "b", State: health.ProcessFailed, Restarts: 4}, ops.StateCritical},
		{"unknown", health.Process{Name: "b", State: health.ProcessUnknown, Reason: lang.Raw("no docker")}, ops.StateUnknown},
	} {
		c.p = step.p
		r := look(t, p)
		if r.State != step.want || r.State == ops.StateCritical && r.Next.String() != "Start it: up" {
			t.Errorf("%s: %s %s %s", step.name, r.State, r.Detail, r.Next)
		}
	}
}
