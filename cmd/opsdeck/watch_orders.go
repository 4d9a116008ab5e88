package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/notify"
	"opsdeck/ops/site/alerts"
)

type watchTestCmd struct {
	Name   string `arg:"" name:"name" help:"A rule or a target of notify: in the configuration."`
	DryRun bool   `help:"Show what would be sent, send nothing."`
}

// Run sends a message that says that it is a test, at once.
func (c *watchTestCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	w, err := anyWatcher(a)
	if err != nil {
		return err
	}
	sent, err := w.Test(c.Name)
	if err != nil {
		return err
	}
	failed := 0
	for _, one := range sent {
		if c.DryRun {
			a.say(lang.M("%s would be notified:", one.Key))
			a.say(lang.Raw(one.Preview(a.lang)))
			continue
		}
		if err := alerts.Deliver(ctx, one.Target, one.Message); err != nil {
			failed++
			a.note(lang.M("cannot notify %s: %s", one.Key, redact.Text(notify.Reason(err))))
			continue
		}
		a.say(lang.M("%s accepted the message", one.Key))
	}
	if failed > 0 {
		return ops.E(ops.Failed, lang.M("messages that could not be delivered: %d of %d", failed, len(sent))).
			WithHint(lang.M("check the targets under notify: in the configuration, then run this again"))
	}
	return nil
}

type watchSilenceCmd struct {
	Rule   string        `arg:"" name:"rule" help:"The rule, as RULE or SERVICE/RULE; all for every rule."`
	For    time.Duration `required:"" placeholder:"DUR" help:"How long: 30m, 2h."`
	Why    string        `required:"" placeholder:"TEXT" help:"The reason, for your colleagues."`
	DryRun bool          `help:"Show what would be silenced, change nothing."`
}

// Run asks the running watch, or the next one, to be quiet about a rule.
func (c *watchSilenceCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.For <= 0 || c.For > alert.LongestSilence {
		return ops.E(ops.Usage, lang.M("--for must be more than 0 and at most %s",
			human.Duration(alert.LongestSilence)))
	}
	if strings.TrimSpace(c.Why) == "" {
		return ops.E(ops.Usage, lang.M("--why needs a reason"))
	}
	o := alert.Order{Kind: alert.OrderSilence, Why: alert.Text{EN: c.Why}}
	o.Until = a.clock.Now().Add(c.For)
	if err := order(ctx, a, &o, c.Rule, c.DryRun); err != nil {
		return err
	}
	until := o.Until.Local().Format("2006-01-02 15:04:05")
	if c.DryRun {
		a.say(lang.M("%s would be silenced until %s", c.Rule, until))
		return nil
	}
	a.say(lang.M("%s is silenced until %s; end it with: opsdeck watch unsilence %s", c.Rule, until,
		human.Shell(c.Rule)))
	return nil
}

type watchUnsilenceCmd struct {
	Rule   string `arg:"" name:"rule" help:"The rule, as it was silenced; all for every rule."`
	DryRun bool   `help:"Show what would be ended, change nothing."`
}

// Run ends the silences of a rule.
func (c *watchUnsilenceCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	book, err := a.book()
	if err != nil {
		return err
	}
	o := alert.Order{Kind: alert.OrderUnsilence}
	o.Service, o.Rule = watchedName(c.Rule)
	n := 0
	for _, s := range book.Open(a.clock.Now()) {
		if s.Rule == o.Rule && s.Service == o.Service {
			n++
		}
	}
	if n == 0 {
		return ops.E(ops.Usage, lang.M("%s is not silenced", c.Rule)).
			WithHint(lang.M("list the silences: opsdeck watch silences"))
	}
	if c.DryRun {
		a.say(lang.M("the silence of %s would end now", c.Rule))
		return nil
	}
	if err := ask(ctx, a, o); err != nil {
		return err
	}
	a.say(lang.M("the silence of %s ended", c.Rule))
	return nil
}

type watchSilencesCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the silences that are in force.
func (c *watchSilencesCmd) Run(a *app) error {
	book, err := a.book()
	if err != nil {
		return err
	}
	open := book.Open(a.clock.Now())
	if c.JSON {
		doc := struct {
			Silences []silenceJSON `json:"silences"`
		}{}
		for _, s := range open {
			doc.Silences = append(doc.Silences, silenceJSON{s.Rule, s.Service, s.From, s.Until, s.Why.In(a.lang), s.By})
		}
		return a.json(doc)
	}
	if len(open) == 0 {
		a.say(lang.M("no silences"))
		return nil
	}
	table := cells.Table{Max: a.width()}
	for _, s := range open {
		name := s.Rule
		if s.Service != "" {
			name = s.Service + "/" + s.Rule
		}
		table.Rows = append(table.Rows, []string{
			termsafe.Line(name),
			a.lang.T("until %s", s.Until.Local().Format("2006-01-02 15:04:05")),
			termsafe.Line(s.By),
			termsafe.Line(s.Why.In(a.lang)),
		})
	}
	_, err = fmt.Fprintln(a.out, strings.Join(table.Lines(), "\n"))
	return err
}

type silenceJSON struct {
	Rule    string    `json:"rule"`
	Service string    `json:"service"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Why     string    `json:"why"`
	By      string    `json:"by"`
}

type watchAckCmd struct {
	Rule   string `arg:"" name:"rule" help:"The rule, as RULE or SERVICE/RULE; all for every firing rule; a target, for messages that it did not accept."`
	DryRun bool   `help:"Show what would be acknowledged, change nothing."`
}

// Run acknowledges the alerts of a rule that fire.
func (c *watchAckCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	book, err := a.book()
	if err != nil {
		return err
	}
	service, rule := watchedName(c.Rule)
	names := book.Acknowledgeable(service, rule)
	if len(names) == 0 {
		return ops.E(ops.Usage, lang.M("no alert of %s is firing", c.Rule)).
			WithHint(lang.M("list the alerts: opsdeck alerts"))
	}
	if c.DryRun {
		a.say(lang.M("would be acknowledged: %s", strings.Join(names, ", ")))
		return nil
	}
	if err := ask(ctx, a, alert.Order{Kind: alert.OrderAck, Service: service, Rule: rule}); err != nil {
		return err
	}
	a.say(lang.M("acknowledged: %s", strings.Join(names, ", ")))
	return nil
}
