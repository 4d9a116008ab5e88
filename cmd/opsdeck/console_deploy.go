package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site/deploys"
	"opsdeck/tui/deployview"
	"opsdeck/tui/page"
	"opsdeck/tui/statusview"
)

// consoleDeploy is what the console's deployment works with.
type consoleDeploy struct {
	desk func(*lang.Printer) (*deploys.Desk, error) // with its sentences in a language
	one  *deploys.Desk
}

// deploymentOfConsole lets the Status tab open the deployment of the console's service.
func deploymentOfConsole(a *app, env *page.Env, p *statusview.Page) {
	p.WithDeployment(func() tea.Cmd {
		c := consoleDeploy{desk: func(l *lang.Printer) (*deploys.Desk, error) { return quietDesk(a, l) }}
		var err error
		if c.one, err = c.desk(env.Lang); err != nil {
			return page.Send(page.Notice{State: ops.StateCritical, Text: lang.M("%s", a.explain(err).What)})
		}
		return deployview.Open(env, c)
	})
}

// quietDesk is the desk of the console's service. It prints nothing.
func quietDesk(a *app, l *lang.Printer) (*deploys.Desk, error) {
	s, err := a.consoleService()
	if err != nil {
		return nil, err
	}
	d, err := a.deployDesk(s)
	if err != nil {
		return nil, err
	}
	d.Lang = l
	d.Say = func(lang.Msg) {}
	return d, nil
}

// Service is the service that is deployed.
func (c consoleDeploy) Service() string { return c.one.Service.Name }

// Plans are those that can be made.
func (c consoleDeploy) Plans() (out []deployview.Choice) {
	names := c.one.Names()
	slices.SortStableFunc(names, func(a, b string) int { // an installation is rarest
		return btoi(a == "install") - btoi(b == "install")
	})
	for _, name := range names {
		out = append(out, deployview.Choice{Name: name, Pulls: c.one.Pulls(name)})
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Plan makes a plan and writes what it would do.
func (c consoleDeploy) Plan(ctx context.Context, l *lang.Printer, name, rev string) (s deployview.Sheet, err error) {
	d, err := c.desk(l)
	if err != nil {
		return s, err
	}
	open, err := d.Store().Open(d.Service.Name)
	if err != nil {
		return s, err
	}
	if open != nil {
		return s, deploys.InTheWay(open)
	}
	p, err := d.Plan(ctx, name, rev)
	if err != nil {
		return s, d.Explain(err)
	}
	var text bytes.Buffer
	if err := deploys.Describe(ctx, &text, d, p); err != nil {
		return s, d.Explain(err)
	}
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	return deployview.Sheet{
		Name: name, Revision: rev, Hash: p.Hash, Lines: lines, Effect: deploy.Effect(p.Service, p.Steps),
	}, nil
}

// Newest is the deployment that needs somebody, else the newest.
func (c consoleDeploy) Newest() (out deployview.Course, err error) {
	d := c.one
	running, err := deploys.Launcher{Desk: d}.Busy()
	if err != nil {
		return out, err
	}
	all, err := d.Store().Of(d.Service.Name)
	if err != nil || len(all) == 0 {
		return out, err
	}
	one := deploy.NeedsSomebody(all)
	if one == nil {
		one = all[0]
	}
	out = deployview.Course{
		Deployment: one,
		Running:    running && one.State.Result == "",
		Result:     deploys.ResultText(one.State),
		Report:     d.Store().ReportPath(one.Plan.ID),
		Usual:      make([]time.Duration, len(one.Plan.Steps)),
	}
	for i, s := range one.Plan.Steps {
		out.Usual[i], _ = deploy.Usual(all, one.Plan.Name, s.Name)
	}
	return out, nil
}

// Run begins the plan that was shown.
func (c consoleDeploy) Run(ctx context.Context, l *lang.Printer, s deployview.Sheet) error {
	words := []string{"deploy", "run", s.Name, "--plan=" + s.Hash}
	if s.Revision != "" {
		words = append(words, "--revision="+s.Revision)
	}
	return c.launch(ctx, l, words)
}

// Resume continues the deployment that was interrupted.
func (c consoleDeploy) Resume(ctx context.Context, l *lang.Printer) error {
	return c.launch(ctx, l, []string{"deploy", "run", "--resume"})
}

// Undo rolls a deployment back.
func (c consoleDeploy) Undo(ctx context.Context, l *lang.Printer, id string) error {
	return c.launch(ctx, l, []string{"deploy", "undo", id})
}

func (c consoleDeploy) launch(ctx context.Context, l *lang.Printer, words []string) error {
	d, err := c.desk(l)
	if err != nil {
		return err
	}
	return deploys.Launcher{Desk: d}.Launch(ctx, words...)
}

// Interrupt tells the process at work to stop.
func (c consoleDeploy) Interrupt() error { return deploys.Launcher{Desk: c.one}.Interrupt() }
