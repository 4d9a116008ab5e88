package deploys

import (
	"context"
	"slices"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
)

// uncontrolled tells that nothing is configured that stops and starts the service.
func uncontrolled(p config.Process) bool { return p.Kind == "none" || p.Kind == "" }

// noControl is the error of a step that stops or starts a service which opsdeck cannot
// stop or start: the old process would keep running, and its answers be taken for the new release's.
func noControl(service string) *ops.Error {
	return ops.E(ops.Config, lang.M("opsdeck cannot stop or start %s: no process control is configured", service)).
		WithHint(lang.M("set process in the configuration, for example process: {kind: pm2, name: %s}; or "+
			"write a plan in deploy.plans whose steps run your own commands", service))
}

// mayRestart refuses a plan after which the process from before it would answer for the new
// release: nothing can stop or start it, or it runs and the plan starts it only.
func mayRestart(ctx context.Context, d *Desk, steps []deploy.Step) error {
	at := func(kind deploy.Kind) int {
		return slices.IndexFunc(steps, func(s deploy.Step) bool { return s.Kind == kind })
	}
	stop, start := at(deploy.KindStop), at(deploy.KindStart)
	if stop < 0 && start < 0 {
		return nil
	}
	p := d.Service.Process
	switch {
	case uncontrolled(p):
		return noControl(d.Service.Name)
	case stop >= 0 && p.Kind == "command" && p.Status == "":
		return ops.E(ops.Config, lang.M("whether %s has stopped could not be told: no status command is configured",
			d.name())).
			WithHint(lang.M("set process.status in the configuration: a command that exits with 0 while the " +
				"service runs and with 3 when it is stopped"))
	case start < 0 || stop >= 0 && stop < start:
		return nil
	}
	look, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if d.ctl.Status(look).State != health.ProcessRunning {
		return nil
	}
	return ops.E(ops.Busy, lang.M("%s is running, and this plan does not stop it: the old process would keep running",
		d.name())).WithHint(lang.M("deploy to a service that runs: opsdeck deploy run update; or stop it first"))
}
