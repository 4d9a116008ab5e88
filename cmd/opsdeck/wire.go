package main

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/site"
	"opsdeck/ops/site/audits"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/deploys"
	"opsdeck/ops/site/metrics"
	"opsdeck/ops/site/reading"
	"opsdeck/ops/site/ready"
	"opsdeck/ops/site/restores"
	"opsdeck/ops/site/runbooks"
	"opsdeck/ops/site/serving"
	"opsdeck/ops/watch"
)

// site is a configured service with what its work needs of this process.
func (a *app) site(s *config.Service) (*site.Site, error) {
	all, err := a.config()
	if err != nil {
		return nil, err
	}
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return &site.Site{
		Service:  s,
		All:      all,
		StateDir: state,
		Clock:    a.clock,
		Getenv:   a.getenv,
		Lang:     a.lang,
		ReadOnly: a.flags.ReadOnly,
		Say:      a.note,
		Explain:  a.explain,
		Progress: a.showWork,
	}, nil
}

// deployDesk is what deploying a service needs.
func (a *app) deployDesk(s *config.Service) (*deploys.Desk, error) {
	at, err := a.site(s)
	if err != nil {
		return nil, err
	}
	desk, err := deploys.Open(at)
	if err != nil {
		return nil, err
	}
	styles, err := a.logStyles(s)
	if err != nil {
		return nil, err
	}
	desk.Styles = styles.Of
	return desk, nil
}

// readiness is doctor's look at a service.
func (a *app) readiness(s *config.Service) ready.Look {
	return ready.Look{
		Service: s,
		Lang:    a.lang,
		Explain: a.explain,
		Site:    func() (*site.Site, error) { return a.site(s) },
		Deploys: func() (*deploys.Desk, error) { return a.deployDesk(s) },
		Opsdeck: a.placeOf(s).Opsdeck,
	}
}

// placeOf is what the runbooks of a service are filled with.
func (a *app) placeOf(s *config.Service) runbooks.Place {
	return runbooks.PlaceOf(*s, a.programFor(s.Name))
}

// server is what `serve` serves about services.
func (a *app) server(opt config.Serve, services []config.Service) (serving.Options, error) {
	styles := map[string]*reading.Styles{}
	for _, s := range services {
		var err error
		if styles[s.Name], err = a.logStyles(&s); err != nil {
			return serving.Options{}, err
		}
	}
	out := serving.Options{
		Listener: opt,
		Services: services,
		Checks:   a.checks(services),
		Styles:   func(service string) func(string) *line.Style { return styles[service].Of },
		Site:     a.site,
		Clock:    a.clock,
		Getenv:   a.getenv,
		Lang:     a.lang,
		Say:      a.note,
		Explain:  a.explain,
	}
	if dir, err := a.stateDir(); err == nil { // else the looks at the services' records say so
		out.Alerts = []metrics.Part{metrics.Alerts(dir, watch.LockPath(dir))}
	}
	return out, nil
}

// showWork begins to draw long work on stderr.
func (a *app) showWork() (report func(ops.Progress), done func()) {
	p := a.progress()
	return p.report, p.done
}

// checks makes the checks of services, in the order in which they are shown.
func (a *app) checks(services []config.Service) []health.Check {
	var out []health.Check
	for i := range services {
		out = append(out, checks.Of(a.checked(&services[i]))...)
	}
	return out
}

// logStyles are how the lines of a service's logs are read.
func (s *settings) logStyles(service *config.Service) (*reading.Styles, error) {
	l, err := s.config()
	if err != nil {
		return nil, err
	}
	return reading.StylesOf(l.Config, service)
}

// checked is a service for its checks.
func (a *app) checked(s *config.Service) checks.Source {
	return checks.Source{
		Service: *s,
		Now:     a.clock.Now,
		Site:    func() (*site.Site, error) { return a.site(s) },
		OpenAudit: func(ctx context.Context) (checks.AuditLog, error) {
			at, err := a.site(s)
			if err != nil {
				return nil, err
			}
			table, err := audits.OpenTable(ctx, at)
			if err != nil {
				return nil, err
			}
			return table, nil
		},
		Opsdeck: a.placeOf(s).Opsdeck,
		Next:    a.placeOf(s).MysqlNext,
	}
}

// desk is what the restore verbs work with. Reading again may take its time and is shown.
func (a *app) desk() (*restores.Desk, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	d, err := a.deskOf(s)
	if err == nil {
		d.Shelf.Reread = backups.Aloud
	}
	return d, err
}

// deskOf is the desk of one service.
func (a *app) deskOf(s *config.Service) (*restores.Desk, error) {
	at, err := a.site(s)
	if err != nil {
		return nil, err
	}
	return restores.Open(at)
}

// holdDatabase takes the one lock of a service's database, which its restores
// hold, and refuses while a restore of it is unfinished. The lock's name is made
// of the server's identity: services that share a database share it.
func holdDatabase(ctx context.Context, s *site.Site, what string) (*restores.Holding, error) {
	d, err := restores.Open(s)
	if err != nil {
		return nil, err
	}
	return d.Hold(ctx, what)
}

// chosen is the service that a command is about.
func (a *app) chosen() (*site.Site, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	return a.site(s)
}

// named is the backup that a person named, with the inventory that it is in.
func (a *app) named(ctx context.Context, name string) (*shelf, *backup.Inventory, *backup.Set, error) {
	sh, err := a.shelf()
	if err != nil {
		return nil, nil, nil, err
	}
	inv, err := sh.Read(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := sh.Find(inv, name)
	return sh, inv, s, err
}

// shelfOf is the backups of one service.
func (a *app) shelfOf(s *config.Service) (*shelf, error) {
	at, err := a.site(s)
	if err != nil {
		return nil, err
	}
	sh, err := backups.Open(at)
	if err != nil {
		return nil, err
	}
	return &shelf{a, sh}, nil
}

// shelf is the backups of the chosen service, with what is remembered of them.
type shelf struct {
	*app
	*backups.Shelf
}

// shelf is for a command: reading again may take its time and is shown.
func (a *app) shelf() (*shelf, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	sh, err := a.shelfOf(s)
	if err == nil {
		sh.Reread = backups.Aloud
	}
	return sh, err
}

// asJob does a command's work as a run of a job of the chosen service, whose check is told.
func asJob(ctx context.Context, a *app, ping string, work func(context.Context, *app) error) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	return sh.Nights().Pinged(ctx, ping, nil, func(ctx context.Context) error { return work(ctx, a) })
}

// rewinder takes transactions of the shelf's service back.
func (sh *shelf) rewinder() restores.Rewinder { return restores.Rewinder{Shelf: sh.Shelf} }

// chosenDesk is what deploying the chosen service needs.
func chosenDesk(a *app) (*deploys.Desk, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	return a.deployDesk(s)
}
