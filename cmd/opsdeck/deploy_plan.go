package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site/deploys"
)

type deployPlanCmd struct {
	Name     string `arg:"" default:"update" help:"The plan: update, blue-green, install, or one from the configuration."`
	Revision string `placeholder:"REV" help:"The branch, tag or commit to deploy (default: the branch that is checked out)."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// deployPlanJSON is a plan, and what is known of its steps beside it.
type deployPlanJSON struct {
	*deploy.Plan
	Steps   []planStepJSON   `json:"steps"`
	Details []stepDetailJSON `json:"details"`
	Blocked *blockedJSON     `json:"blocked_by,omitempty"` // the deployment that has to end first
}

// planStepJSON is a step of a plan, its secrets masked.
type planStepJSON struct {
	deploy.Step
	Timeout   *int64 `json:"timeout,omitempty"` // keeps the nanoseconds of plan.json out
	TimeoutMS int64  `json:"timeout_ms"`
}

// blockedJSON is a deployment that is not over.
type blockedJSON struct {
	ID     string        `json:"id"`
	Result deploy.Result `json:"result"` // "" or "stuck"
	What   string        `json:"what"`
	Next   string        `json:"next"`
}

type stepDetailJSON struct {
	Name      string   `json:"name"`
	Check     string   `json:"check"`
	Undo      string   `json:"undo"`
	Mind      string   `json:"mind,omitempty"` // what it asks of the release that still runs
	UsualMS   *int64   `json:"usual_ms"`       // an estimate: the median of past runs; null is not known
	UsualRuns int      `json:"usual_runs"`
	LimitMS   int64    `json:"limit_ms"`
	Look      string   `json:"look,omitempty"`
	Changes   []string `json:"changes,omitempty"` // what look printed, where the code is there already
	LookError string   `json:"look_error,omitempty"`
}

// Run shows a plan.
func (c *deployPlanCmd) Run(ctx context.Context, a *app) error {
	d, err := chosenDesk(a)
	if err != nil {
		return err
	}
	p, err := d.Plan(ctx, c.Name, c.Revision)
	if err != nil {
		return err
	}
	blocked, err := d.Store().Open(d.Service.Name)
	if err != nil {
		return err
	}
	if !c.JSON {
		err = deploys.Describe(ctx, a.out, d, p)
		if blocked != nil {
			e := deploys.InTheWay(blocked)
			a.note(e.What)
			a.note(lang.M("  → %s", e.Hint))
		}
		return err
	}
	details, err := d.Details(p)
	if err != nil {
		return err
	}
	shown := d.Shown(p)
	doc := deployPlanJSON{Plan: shown, Steps: []planStepJSON{}, Details: []stepDetailJSON{}}
	for i, one := range details {
		s := shown.Steps[i]
		doc.Steps = append(doc.Steps, planStepJSON{Step: s, TimeoutMS: s.Timeout.Milliseconds()})
		detail := stepDetail(ctx, d, p, i, one)
		detail.Look = s.Look
		doc.Details = append(doc.Details, detail)
	}
	if blocked != nil {
		e := deploys.InTheWay(blocked)
		doc.Blocked = &blockedJSON{blocked.Plan.ID, blocked.State.Result, a.lang.Msg(e.What), a.lang.Msg(e.Hint)}
	}
	return a.json(doc)
}

// stepDetail is what is known of the i-th step of a plan.
func stepDetail(ctx context.Context, d *deploys.Desk, p *deploy.Plan, i int, one deploys.Detail) stepDetailJSON {
	s := p.Steps[i]
	out := stepDetailJSON{
		Name:      s.Name,
		Check:     d.Lang.Msg(one.Check),
		Undo:      d.Lang.Msg(one.Undo),
		Mind:      d.Lang.Msg(one.Mind),
		UsualRuns: one.Runs,
		LimitMS:   s.Timeout.Milliseconds(),
	}
	if one.Runs > 0 {
		ms := one.Usual.Milliseconds()
		out.UsualMS = &ms
	}
	lines, _, err := d.Look(ctx, p, s)
	out.Changes = lines
	if err != nil {
		out.LookError = d.Lang.Msg(d.Explain(err).What)
	}
	return out
}
