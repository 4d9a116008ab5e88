package main

import (
	"opsdeck/ops/health"
	"opsdeck/tui/page"
	"opsdeck/tui/statusview"
)

// pages makes the console's tabs in their order. This file is the only place
// that turns configuration into services.
func (a *app) pages(env *page.Env) ([]page.Page, error) {
	s, err := a.consoleService()
	if err != nil {
		return nil, err
	}
	env.Service = s.Name
	status, err := a.statusPage(env)
	if err != nil {
		return nil, err
	}
	backups, err := a.backupsPage(env, s)
	if err != nil {
		return nil, err
	}
	restores, err := a.restorePage(env, s)
	if err != nil {
		return nil, err
	}
	pages := []page.Page{status, a.logsPage(env, s), a.auditPage(env, s), backups, restores}
	status.Hint(pages)
	return pages, nil
}

// statusPage is the Status tab over the named service, or all.
func (a *app) statusPage(env *page.Env) (*statusview.Page, error) {
	services, err := a.statusServices()
	if err != nil {
		return nil, err
	}
	h := services[0].Health
	m := health.Watch(
		env.Ctx,
		a.checks(services),
		health.Options{Clock: a.clock, Rule: health.Rule{Fails: h.Fails, Passes: h.Passes}},
	)
	return statusview.New(env, m), nil
}
