package main

import (
	"net/url"
	"path/filepath"
	"slices"

	"opsdeck/internal/config"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/checks"
)

// alertWatcher is the watcher of services, ready to run. With marks its checks note how far
// they judged.
func alertWatcher(a *app, services []config.Service, state string, marks bool) (*alerts.Watcher, error) {
	w := &alerts.Watcher{StateDir: state, Clock: a.clock, Lang: a.lang, Say: a.note}
	for i := range services {
		s := services[i]
		mark := ""
		if marks {
			mark = filepath.Join(state, "audit-judged-"+url.PathEscape(s.Name))
		}
		styles, err := a.logStyles(&s)
		if err != nil {
			return nil, err
		}
		w.Services = append(w.Services, alerts.Service{
			Config:  s,
			Checks:  watchedChecks(a.checked(&s), mark),
			Site:    func() (*site.Site, error) { return a.site(&s) },
			Styles:  styles.Of,
			Program: a.programFor(s.Name),
		})
	}
	return w, w.Prepare()
}

// watchedChecks are the checks that watch makes: those of Status but the one of watch
// itself, and further ones. mark is the file of how far audit rows were judged, or "".
func watchedChecks(source checks.Source, mark string) []health.Check {
	source.Mark = mark
	all := append(checks.Of(source), checks.Further(source)...)
	return slices.DeleteFunc(all, func(c health.Check) bool { return c.Name == checks.AlertsName })
}

// anyWatcher is a watcher of all services that is not run.
func anyWatcher(a *app) (*alerts.Watcher, error) {
	services, err := a.statusServices()
	if err != nil {
		return nil, err
	}
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return alertWatcher(a, services, state, false)
}
