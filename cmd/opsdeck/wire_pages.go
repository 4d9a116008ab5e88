package main

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/audits"
	"opsdeck/ops/site/reading"
	"opsdeck/ops/site/restores"
	"opsdeck/tui/auditview"
	"opsdeck/tui/backupview"
	"opsdeck/tui/logview"
	"opsdeck/tui/page"
	"opsdeck/tui/restoreview"
	"opsdeck/tui/statusview"
)

// pages makes the console's tabs in their order.
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

// newLogsPage is the Logs tab over a service's logs. Reading begins with the
// console, so that the tab is full when it is opened.
func newLogsPage(env *page.Env, a *app, s *config.Service) *logview.Page {
	t := &reading.Tab{
		Clock:    a.clock,
		Zone:     env.Zone,
		Store:    store.NewStore(env.Zone, a.clock.Now),
		StateDir: a.stateDir,
	}
	styles, err := a.logStyles(s)
	if err != nil {
		t.Store.Fail("log_formats", err)
	}
	t.Styles = styles
	t.Store.Style(styles.Of)
	t.Config = logfile.Config{
		Sources:  s.Logs.Paths(),
		Stdin:    a.in,
		Shelf:    reading.Shelf(a.stateDir, a.clock, env.Zone, styles),
		Found:    styles.Note,
		Archives: true,
	}
	if t.Config.Shelf != nil {
		t.Store.Keep(t.Config.Shelf)
		t.Store.PutAway(t.Config.Shelf.Attic())
	}
	o := logview.Options{Export: t.Export, Stat: t.Stat, Compare: t.Compare}
	o.Start, o.Close = t.Reading(env.Ctx)
	for _, v := range s.LogViews {
		o.Searches = append(o.Searches, query.Saved{Name: v.Name, Query: v.Query})
	}
	if dir, err := a.stateDir(); err == nil {
		logview.NewMemory(dir, s.Name, s.Logs.Paths(), a.clock.Now).Into(&o)
	}
	for _, h := range s.Highlights {
		o.Highlights = append(o.Highlights, logview.Filter{Query: h.Query, Colour: h.Colour})
	}
	return logview.New(env, t.Store, o)
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

// newRestorePage is the Restore tab of a service.
func newRestorePage(env *page.Env, a *app, s *config.Service) (*restoreview.Page, error) {
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	return restoreview.New(env, restores.Page{Desk: d, Verbs: verbsOfTab(a, d)}), nil
}
