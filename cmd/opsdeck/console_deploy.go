package main

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/site/deploys"
	"opsdeck/tui/deployview"
	"opsdeck/tui/page"
	"opsdeck/tui/statusview"
)

// deploymentOfConsole lets the Status tab open the deployment of the console's service.
func deploymentOfConsole(a *app, env *page.Env, p *statusview.Page) {
	p.WithDeployment(func() tea.Cmd {
		c, err := deploys.OpenConsole(env.Lang, func(l *lang.Printer) (*deploys.Desk, error) { return quietDesk(a, l) })
		if err != nil {
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
