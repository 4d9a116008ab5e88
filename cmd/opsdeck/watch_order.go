package main

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/site/alerts"
)

// watchedName splits the name of a rule as people type it: RULE, SERVICE/RULE, all.
func watchedName(name string) (service, rule string) {
	service, rule = alert.Watched(name)
	if rule == "all" {
		rule = "*"
	}
	return service, rule
}

// order asks something about a rule that there is.
func order(ctx context.Context, a *app, o *alert.Order, name string, dryRun bool) error {
	w, err := anyWatcher(a)
	if err != nil {
		return err
	}
	o.Service, o.Rule = watchedName(name)
	if !w.Known(o.Service, o.Rule) {
		return ops.E(ops.Usage, lang.M("there is no rule %q", name)).
			WithHint(lang.M("there are: %s", strings.Join(w.Names(), ", ")))
	}
	if dryRun {
		return nil
	}
	return ask(ctx, a, *o)
}

// ask leaves an order for the watch of the state folder.
func ask(ctx context.Context, a *app, o alert.Order) error {
	log, err := a.oplog(ctx)
	if err != nil {
		return err
	}
	return alerts.Ask(log, o)
}
