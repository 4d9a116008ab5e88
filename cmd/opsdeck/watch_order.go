package main

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/alert"
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
func (a *app) order(ctx context.Context, o *alert.Order, name string, dryRun bool) error {
	w, err := a.anyWatcher()
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
	return a.ask(ctx, w.StateDir, *o)
}

// ask puts an order and its place in the record of operations on file.
func (a *app) ask(ctx context.Context, dir string, o alert.Order) error {
	o.At = a.clock.Now()
	o.By = oplog.UserName()
	log, err := a.oplog(ctx)
	if err != nil {
		return err
	}
	if _, err := alert.Ask(dir, o); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the request cannot be recorded"))
	}
	name := o.Rule
	if o.Service != "" {
		name = o.Service + "/" + o.Rule
	}
	detail := map[string]string{}
	if o.Why.EN != "" {
		detail["why"] = o.Why.EN
	}
	if !o.Until.IsZero() {
		detail["until"] = o.Until.Format("2006-01-02T15:04:05Z07:00")
	}
	return log.Record(oplog.Entry{Action: "alert." + o.Kind, Object: name, Result: oplog.Done, Detail: detail})
}
