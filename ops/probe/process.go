package probe

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/logs/line"
)

// Process looks at the service's process. Restarts since the look before are a
// finding, and so is a crash loop at the first look; why it does not run is quoted
// from its log, of the keeper's files or those of the patterns.
func Process(c health.Controller, patterns []string, now func() time.Time) health.Probe {
	last := -1
	return func(ctx context.Context) health.Result {
		p := c.Status(ctx)
		r := processResult(p)
		if last >= 0 && p.Restarts > last {
			r.Find(ops.StateWarning, lang.M("%s was restarted", p.Name), lang.M("%d times since the last check",
				p.Restarts-last))
		}
		if p.State == health.ProcessRunning {
			last = p.Restarts
		}
		r.Next = remedy(c, p)
		if p.Kind == "command" && p.State == health.ProcessUnknown && c.Commands().Status == "" {
			r.Next = lang.Sentence(lang.M("set process.status in the configuration: a command that exits with 0 " +
				"while the service runs and with 3 when it is stopped"))
		}
		explain(&r, p, patterns, now())
		return r
	}
}

// A process is in a crash loop that fell over so often in a row, or was restarted so
// often, and runs for so short a time.
const (
	loopUnstable = 2
	loopRestarts = 3
	loopYoung    = 30 * time.Second
	troubleOld   = 24 * time.Hour
)

// loops tells whether a process falls over again and again.
func loops(p health.Process, now time.Time) bool {
	switch p.State {
	case health.ProcessStarting:
	case health.ProcessRunning:
		if now.Sub(p.Since) >= loopYoung {
			return false
		}
	default:
		return false
	}
	return p.Unstable >= loopUnstable || p.Restarts >= loopRestarts
}

// explain says why a process failed or falls over, in the words of its log. Restarts
// without trouble in the log may be a deployment.
func explain(r *health.Result, p health.Process, patterns []string, now time.Time) {
	since := now.Add(-troubleOld)
	looping := loops(p, now)
	crashed := p.State == health.ProcessStarting && p.Again && !looping
	switch {
	case p.State == health.ProcessStopped:
		died(r, p, patterns, now)
		return
	case looping, crashed:
		since = now.Add(-troubleFresh)
	case p.State != health.ProcessFailed:
		return
	}
	files := p.Logs
	if len(files) == 0 {
		files = matching(patterns)
	}
	t, found, err := newestTrouble(files, patterns, since, now, !looping || p.Unstable >= loopUnstable)
	if crashed && !found {
		return
	}
	switch {
	case crashed:
		r.Find(ops.StateCritical, lang.M("process %s crashed and is being started again", p.Name), lang.Msg{})
		r.Down = true
	case looping && !found && p.Unstable < loopUnstable:
		return
	case looping:
		r.Find(ops.StateCritical, lang.M("process %s keeps crashing", p.Name), lang.M("restarted %d times", p.Restarts))
		r.Down = true
	}
	switch {
	case found:
		r.Why = lang.M("%s; %s", t.headline(), t.quote())
		if next := t.next(now); !next.Empty() {
			r.Next = next
		}
	case err != nil:
		r.Why = lang.M("its log cannot be read: %s", reasonOf(err))
	default:
		return
	}
	r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
}

// died says of a process that is stopped what ended it, where its log has just told of
// something that ends a process: starting it alone will not last.
func died(r *health.Result, p health.Process, patterns []string, now time.Time) {
	files := p.Logs
	if len(files) == 0 {
		files = matching(patterns)
	}
	t, found, _ := newestTrouble(files, patterns, now.Add(-troubleFresh), now, false)
	if !found || t.Cause != line.TroubleMemory && t.Cause != line.TroubleModule && t.Cause != line.TroublePort {
		return
	}
	why := lang.M("at %s: %s; %s", t.At, t.headline(), t.quote())
	if !r.Why.Empty() {
		why = lang.M("%s; %s", r.Why, why)
	}
	r.Why = why
	r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
	switch next := t.next(now); {
	case next.Empty():
	case r.Next.Empty() || t.Cause != line.TroubleMemory: // it would end again at once
		r.Next = next
	default:
		r.Next = lang.M("%s; then: %s", r.Next, next)
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
		unknown := health.CannotTell(lang.M("cannot check the process %s", name), p.Reason)
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
