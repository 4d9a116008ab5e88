package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

type statusCmd struct {
	Watch time.Duration `placeholder:"DUR" help:"Check repeatedly at this interval; print what changes."`
	Only  []string      `placeholder:"A,B" help:"Only these checks, by name, kind or service."`
	JSON  bool          `name:"json" help:"Print JSON."`
}

// Run looks once, or again and again. Its exit code is the state's.
func (c *statusCmd) Run(ctx context.Context, a *app) error {
	services, err := a.statusServices()
	if err != nil {
		return err
	}
	if c.Watch < 0 || c.Watch > 0 && c.Watch < minWatch {
		return ops.E(ops.Usage, lang.M("--watch %s is too often", c.Watch.String())).
			WithHint(lang.M("at least %s", minWatch.String()))
	}
	if c.Watch > 0 {
		for i := range services {
			services[i].Health.Interval = c.Watch
		}
	}
	checks, err := health.Only(a.checks(services), c.Only)
	if err != nil {
		return err
	}
	view := statusView{app: a, many: len(services) > 1}
	if c.Watch > 0 {
		return c.watch(ctx, a, view, checks,
			health.Rule{Fails: services[0].Health.Fails, Passes: services[0].Health.Passes})
	}
	report := health.Once(ctx, checks, a.clock)
	if err := context.Cause(ctx); err != nil && ctx.Err() == context.Canceled {
		return err
	}
	verdict := view.judge(report)
	if c.JSON {
		err = a.json(view.json(report, verdict))
	} else {
		_, err = fmt.Fprint(a.out, strings.Join(view.lines(report, verdict), "\n")+"\n")
	}
	if err != nil {
		return err
	}
	return exitCode(verdict.State.ExitCode())
}
