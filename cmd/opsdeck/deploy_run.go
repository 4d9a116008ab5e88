package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site/deploys"
)

type deployRunCmd struct {
	Name     string `arg:"" default:"update" help:"The plan: update, blue-green, install, or one from the configuration."`
	Revision string `placeholder:"REV" help:"The branch, tag or commit to deploy (default: the branch that is checked out)."`
	Plan     string `placeholder:"HASH" help:"Execute only the plan with this hash, from deploy plan."`
	Resume   bool   `help:"Continue an interrupted deployment."`
	Confirm  string `placeholder:"NAME" help:"The service's name, to confirm without a terminal."`
	DryRun   bool   `help:"Show the plan and do nothing."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

type deployUndoCmd struct {
	ID      string `arg:"" optional:"" help:"The deployment (default: the newest)."`
	Confirm string `placeholder:"NAME" help:"The service's name, to confirm without a terminal."`
	ByHand  bool   `help:"Record that you have repaired by hand what could not be rolled back; run nothing."`
	DryRun  bool   `help:"Show what would be rolled back and do nothing."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// deployEventJSON is a line of the NDJSON of a deployment that runs.
type deployEventJSON struct {
	Time   time.Time    `json:"time"`
	Step   string       `json:"step"`
	State  deploy.Event `json:"state"`
	Detail string       `json:"detail"`
	Output []string     `json:"output,omitempty"`
}

// deployEndJSON is its last line.
type deployEndJSON struct {
	ID     string        `json:"id"`
	Result deploy.Result `json:"result"`
	From   string        `json:"from"`
	To     string        `json:"to"`
	Offer  string        `json:"offer,omitempty"`    // the command that restores the database
	Errors string        `json:"errors,omitempty"`   // a burst of errors after the start
	Stays  string        `json:"may_stay,omitempty"` // steps without undo, whose changes may stay
	Report string        `json:"report"`
}

// Run carries a plan out.
func (c *deployRunCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	d, err := chosenDesk(a)
	if err != nil {
		return err
	}
	if c.DryRun && !c.Resume {
		return (&deployPlanCmd{Name: c.Name, Revision: c.Revision, JSON: c.JSON}).Run(ctx, a)
	}
	release, err := deploys.Turn{Desk: d}.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	if c.Resume {
		return c.resume(ctx, a, d)
	}
	p, err := d.Plan(ctx, c.Name, c.Revision)
	if err != nil {
		return err
	}
	if c.Plan != "" && (len(c.Plan) < 8 || !strings.HasPrefix(p.Hash, c.Plan)) {
		return ops.E(ops.Busy, lang.M("the plan has changed; nothing was done")).
			WithHint(lang.M("show it again: opsdeck deploy plan %s", c.Name))
	}
	if !c.JSON {
		if err := deploys.Describe(ctx, a.err, d, p); err != nil {
			return err
		}
	}
	what := deploy.Effect(p.Service, p.Steps)
	if err := a.confirm(ctx, p.Service, c.Confirm, what); err != nil {
		return err
	}
	if err := d.Begin(ctx, p); err != nil {
		return err
	}
	return deployer{a.printer, d, p, c.JSON}.carry(ctx, deploy.EventBegin)
}

// resume continues the deployment that is not over.
func (c *deployRunCmd) resume(ctx context.Context, a *app, d *deploys.Desk) error {
	open, err := d.Unfinished()
	if err != nil {
		return err
	}
	if open == nil {
		return ops.E(ops.Usage, lang.M("no deployment of %s is unfinished", d.Service.Name)).
			WithHint(lang.M("list them: opsdeck deploy status"))
	}
	if c.DryRun {
		return deploys.Describe(ctx, a.out, d, open.Plan)
	}
	what := lang.M("Deployment %s will be continued.", open.Plan.ID)
	if open.State.Backward() {
		what = lang.M("Rolling back deployment %s will be continued: %s.", open.Plan.ID,
			deploy.WayBack(open.Plan, open.State))
	}
	if err := a.confirm(ctx, open.Plan.Service, c.Confirm, what); err != nil {
		return err
	}
	return deployer{a.printer, d, open.Plan, c.JSON}.carry(ctx, deploy.EventBegin)
}

// Run takes a deployment back.
func (c *deployUndoCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	d, err := chosenDesk(a)
	if err != nil {
		return err
	}
	if c.ByHand { // it runs nothing
		held, err := d.Lock()
		if err != nil {
			return err
		}
		defer held.Release()
		return c.setAside(ctx, a, d)
	}
	release, err := deploys.Turn{Desk: d}.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	one, err := d.Newest(c.ID)
	if err != nil {
		return err
	}
	if err := d.MayUndo(ctx, one); err != nil {
		return err
	}
	what := lang.M("Deployment %s will be rolled back: from %s to %s.", one.Plan.ID, one.Plan.To, one.Plan.From)
	if c.DryRun {
		a.say(what)
		return nil
	}
	if err := a.confirm(ctx, one.Plan.Service, c.Confirm, what); err != nil {
		return err
	}
	return deployer{a.printer, d, one.Plan, c.JSON}.carry(ctx, deploy.EventBack)
}

// setAside records that a person has taken a deployment back. A later one is no hindrance.
func (c *deployUndoCmd) setAside(ctx context.Context, a *app, d *deploys.Desk) error {
	if c.ID == "" {
		return ops.E(ops.Usage, lang.M("--by-hand needs the deployment's ID")).
			WithHint(lang.M("list them: opsdeck deploy status"))
	}
	one, err := d.Store().Load(c.ID)
	if err != nil {
		return err
	}
	if one.Plan.Service != d.Service.Name {
		return ops.E(ops.Usage, lang.M("there is no deployment %q", c.ID)).
			WithHint(lang.M("list them: opsdeck deploy status"))
	}
	what := lang.M("Deployment %s will be recorded as rolled back by hand; nothing is run.", c.ID)
	if c.DryRun {
		a.say(what)
		return nil
	}
	if err := a.confirm(ctx, one.Plan.Service, c.Confirm, what); err != nil {
		return err
	}
	if err := d.SetAside(ctx, one); err != nil {
		return err
	}
	if c.JSON {
		return a.ndjson(deployEndJSON{ID: c.ID, Result: deploy.ResultTakenBack, From: one.Plan.From, To: one.Plan.To,
			Report: d.Store().ReportPath(c.ID)})
	}
	a.say(lang.M("%s: %s", c.ID, lang.M("rolled back by hand")))
	return nil
}

// deployer carries a plan out, forward or back, and tells how that goes.
type deployer struct {
	*printer
	desk   *deploys.Desk
	plan   *deploy.Plan
	asJSON bool
}

// carry runs a deployment to its end and tells how it ended.
func (w deployer) carry(ctx context.Context, first deploy.Event) error {
	end := w.desk.Quiet(w.plan.ID)
	s, err := w.desk.Carry(ctx, w.plan, first, func(l deploy.Line, _ deploy.State) { w.tell(l) })
	end()
	if errors.Is(err, deploy.ErrLeft) {
		return deploys.Interrupted(w.plan, s, ops.Interrupted)
	}
	if err != nil {
		return err
	}
	doc := deployEndJSON{
		ID:     w.plan.ID,
		Result: s.Result,
		From:   w.plan.From,
		To:     w.plan.To,
		Offer:  s.Data["offer"],
		Errors: s.Data["burst"],
		Stays:  s.Data[deploy.MayStay],
		Report: w.desk.Store().ReportPath(w.plan.ID),
	}
	if w.asJSON {
		if err := w.ndjson(doc); err != nil {
			return err
		}
	} else {
		w.sayEnd(s, doc)
	}
	if s.Result == deploy.ResultDone || first == deploy.EventBack && s.Result == deploy.ResultTakenBack {
		return nil
	}
	return deploys.Failed(w.desk, w.plan, s)
}

// sayEnd says how a deployment ended.
func (w deployer) sayEnd(s deploy.State, doc deployEndJSON) {
	w.say(lang.M("%s: %s", w.plan.ID, deploys.ResultText(s)))
	w.say(lang.M("report: %s", doc.Report))
	if doc.Errors != "" && s.Result == deploy.ResultDone {
		w.note(lang.M("%s", lang.Raw(doc.Errors)))
		w.note(lang.M("read them: opsdeck logs --critical --newest; roll the release back: opsdeck deploy undo"))
	}
}

// tell tells one event of a deployment.
func (w deployer) tell(l deploy.Line) {
	if l.Event == deploy.EventChild || l.Event == deploy.EventSeen && l.Detail == "" && len(l.Tail) == 0 {
		return
	}
	name := ""
	if l.Step >= 0 {
		name = w.plan.Steps[l.Step].Name
	}
	if w.asJSON {
		w.ndjson(deployEventJSON{l.Time, name, l.Event, l.Detail, l.Tail})
		return
	}
	for _, line := range l.Tail {
		fmt.Fprintln(w.err, "      | "+termsafe.Line(line))
	}
	if name != "" {
		fmt.Fprintf(w.err, "%s  %-10s %s  %s\n", l.Time.Local().Format(time.TimeOnly), name, w.lang.Msg(l.Label()),
			termsafe.Line(l.Detail))
	}
}
