package main

import (
	"fmt"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site/deploys"
)

type deployStatusCmd struct {
	ID   string `arg:"" optional:"" help:"The deployment (default: all, newest first)."`
	JSON bool   `name:"json" help:"Print JSON."`
}

type deployStatusJSON struct {
	Deployments []deploymentJSON `json:"deployments"`
}

type deploymentJSON struct {
	ID      string               `json:"id"`
	Plan    string               `json:"plan"`
	Result  deploy.Result        `json:"result"` // "" while it is not over
	Running bool                 `json:"running"`
	BeganAt time.Time            `json:"began_at"`
	From    string               `json:"from"`
	To      string               `json:"to"`
	Failed  string               `json:"failed_step,omitempty"`
	Detail  string               `json:"detail,omitempty"`
	Steps   []deploymentStepJSON `json:"steps"`
	Report  string               `json:"report"`
}

type deploymentStepJSON struct {
	Name  string      `json:"name"`
	State deploy.Mark `json:"state"` // "" is not begun
}

// Run lists deployments.
func (c *deployStatusCmd) Run(a *app) error {
	d, err := chosenDesk(a)
	if err != nil {
		return err
	}
	all, err := d.Store().Of(d.Service.Name)
	if err != nil {
		return err
	}
	_, running, err := lock.Look(d.Store().Lock(d.Service.Name))
	if err != nil {
		return err
	}
	doc := deployStatusJSON{Deployments: []deploymentJSON{}}
	for _, one := range all {
		if c.ID == "" || c.ID == one.Plan.ID {
			doc.Deployments = append(doc.Deployments, deploymentDoc(d, one, running))
		}
	}
	if c.ID != "" && len(doc.Deployments) == 0 {
		return ops.E(ops.Usage, lang.M("there is no deployment %q", c.ID)).
			WithHint(lang.M("list them: opsdeck deploy status"))
	}
	if c.JSON {
		return a.json(doc)
	}
	if len(all) == 0 {
		a.say(lang.M("opsdeck has not deployed anything yet"))
	}
	for i, one := range all {
		if c.ID != "" && one.Plan.ID != c.ID {
			continue
		}
		what := deploys.ResultText(one.State)
		if one.State.Result == "" && running && i == 0 {
			what = lang.M("running")
			if one.State.Backward() {
				what = lang.M("rolling back")
			}
		}
		a.say(lang.M("%s  %s  %s", one.Plan.ID, one.Plan.Name, what))
		if one.State.Failed >= 0 {
			a.say(lang.M("  step %s failed: %s", one.Plan.Steps[one.State.Failed].Name, one.State.Why()))
		}
		if one.State.Backward() {
			a.say(lang.M("  %s", deploy.WayBack(one.Plan, one.State)))
		}
		if c.ID != "" {
			sayDeploymentSteps(a.printer, d, one, running && one.State.Result == "")
		}
	}
	return nil
}

// sayDeploymentSteps shows each step of a deployment, how long it took and what came of it.
func sayDeploymentSteps(p *printer, d *deploys.Desk, one *deploy.Deployment, running bool) {
	for i, s := range one.Plan.Steps {
		took := ""
		detail := p.lang.Msg(one.Said(i))
		if t, is := deploy.Took(one.Lines, i); is {
			took = human.Duration(t)
		}
		state := p.lang.Msg(one.Label(i, running))
		fmt.Fprintln(p.out, termsafe.Line(fmt.Sprintf("  %2d. %-10s %s  %s  %s", i+1, s.Name,
			cells.Pad(state, 14), cells.Pad(took, 8), detail)))
	}
	if one.State.Result != "" {
		p.say(lang.M("report: %s", d.Store().ReportPath(one.Plan.ID)))
	}
}

// deploymentDoc is a deployment for programs.
func deploymentDoc(d *deploys.Desk, one *deploy.Deployment, running bool) deploymentJSON {
	p, s := one.Plan, one.State
	doc := deploymentJSON{
		ID:      p.ID,
		Plan:    p.Name,
		Result:  s.Result,
		Running: running && s.Result == "",
		BeganAt: s.Began,
		From:    p.From,
		To:      p.To,
		Detail:  d.Lang.Msg(s.Why()),
		Steps:   []deploymentStepJSON{},
		Report:  d.Store().ReportPath(p.ID),
	}
	if s.Failed >= 0 {
		doc.Failed = p.Steps[s.Failed].Name
	}
	for i, m := range s.Marks {
		doc.Steps = append(doc.Steps, deploymentStepJSON{p.Steps[i].Name, m})
	}
	return doc
}
