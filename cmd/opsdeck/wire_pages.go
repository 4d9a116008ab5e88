package main

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/audits"
	"opsdeck/tui/auditview"
	"opsdeck/tui/backupview"
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
	at, err := a.site(s)
	if err != nil {
		return nil, err
	}
	status, err := a.statusPage(env)
	if err != nil {
		return nil, err
	}
	backups, err := backupsPage(a, env, s)
	if err != nil {
		return nil, err
	}
	restores, err := newRestorePage(env, a, s)
	if err != nil {
		return nil, err
	}
	pages := []page.Page{status, newLogsPage(env, a, s), newAuditTab(env, at), backups, restores}
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
	m := health.Watch(env.Ctx, a.checks(services),
		health.Options{Clock: a.clock, Rule: health.Rule{Fails: h.Fails, Passes: h.Passes}})
	p := statusview.New(env, m)
	if log, err := a.oplog(env.Ctx); err == nil { // else the checks say it
		p.WithAlerts(alerts.Console{Log: log, Service: a.flags.Service, Lang: a.lang, Clock: a.clock})
	}
	deploymentOfConsole(a, env, p)
	return p, nil
}

// newAuditTab is the console's Audit tab: the table, and the binary log beside it.
func newAuditTab(env *page.Env, s *site.Site) page.Page {
	table := func(ctx context.Context) (auditview.Source, error) {
		t, err := audits.OpenTable(ctx, s)
		if err != nil {
			return nil, err
		}
		return t, nil
	}
	return auditview.New(env, table).WithLog(func(ctx context.Context) (auditview.Log, error) {
		log, err := audits.OpenLog(ctx, s)
		if err != nil {
			return nil, err
		}
		return log, nil
	})
}

// backupsPage is the Backups tab of a service.
func backupsPage(a *app, env *page.Env, s *config.Service) (*backupview.Page, error) {
	sh, err := a.shelfOf(s)
	if err != nil {
		return nil, err
	}
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	svc := backupview.Service{
		Database: s.Database.Name,
		Late:     s.Backup.Late,
		Read:     sh.shown,
		Manifest: func(_ context.Context, s *backup.Set) (*backup.Manifest,
			error) {
			return backup.ReadManifest(s.Path)
		},
		Create:  sh.InPlace().CreateInPlace,
		Verify:  sh.InPlace().VerifyInPlace,
		Drill:   sh.InPlace().DrillInPlace,
		Prune:   sh.InPlace().PruneInPlace,
		Compare: d.Compare,
	}
	if len(s.Backup.Copies) > 0 {
		svc.Sync = sh.InPlace().SyncInPlace
	}
	return backupview.New(env, svc), nil
}
