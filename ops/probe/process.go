package probe

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Process looks at the service's process. Restarts since the look before are a
// finding.
func Process(c health.Controller) health.Probe {
	last := -1
	return func(ctx context.Context) health.Result {
		p := c.Status(ctx)
		r := processResult(p)
		if last >= 0 && p.Restarts > last {
			r.Find(ops.StateWarning, lang.M("%s was restarted", p.Name), lang.M("%d times since the last look", p.Restarts-last))
		}
		if p.State == health.ProcessRunning {
			last = p.Restarts
		}
		r.Next = remedy(c, p)
		return r
	}
}

// remedy is what to type next: the keeper's own remedy also where nothing could
// be found out, for then the keeper itself is down.
func remedy(c health.Controller, p health.Process) lang.Msg {
	state := p.State.State()
	switch start := c.Commands().Start; {
	case p.Remedy != "" && state != ops.StateOK:
		return lang.M("Start it: %s", p.Remedy)
	case start != "" && state == ops.StateCritical:
		return lang.M("Start it: %s", start)
	}
	return lang.Msg{}
}

func processResult(p health.Process) health.Result {
	name := p.Name
	if name == "" {
		name = p.Kind
	}
	r := health.Result{Raw: redact.Text(p.Raw)}
	if p.State == health.ProcessUnknown {
		unknown := health.CannotTell(lang.M("the process %s cannot be looked at", name), p.Reason)
		unknown.Raw = r.Raw
		return unknown
	}
	r.Detail = lang.M("%s", p.State.Label())
	r.Add("status", string(p.State), p.State.Label())
	if state := p.State.State(); state != ops.StateOK {
		r.Find(state, lang.M("process %s is %s", name, p.State.Label()), p.Reason)
		r.Down = state == ops.StateCritical
	}
	if p.PID > 0 {
		r.Add("pid", p.PID, lang.Msg{})
	}
	if !p.Since.IsZero() {
		r.Add("started_at", p.Since, lang.M("%s", p.Since))
		if p.State == health.ProcessRunning {
			r.Detail = lang.M("%s since %s", r.Detail, p.Since)
		}
	}
	if p.Instances > 1 {
		r.Add("instances_running", p.Running, lang.M("%d of %d", p.Running, p.Instances))
		if p.Running < p.Instances && p.State == health.ProcessRunning {
			r.Find(ops.StateWarning, lang.M("%d of %d instances of %s run", p.Running, p.Instances, name), p.Reason)
		}
	}
	r.Add("restarts", p.Restarts, lang.Msg{})
	if p.MemoryBytes > 0 {
		r.Add("memory_bytes", p.MemoryBytes, lang.Raw(human.Bytes(p.MemoryBytes)))
		r.Add("cpu_share", p.CPU, lang.Raw(human.Percent(p.CPU)))
		if r.State == ops.StateOK {
			r.Detail = lang.M("%s · %s", r.Detail, human.Bytes(p.MemoryBytes))
		}
	}
	return r
}

// ProcessTimeout is the least time that a look at a process gets: `pm2 jlist`
// starts a Node.
const ProcessTimeout = 5 * time.Second
