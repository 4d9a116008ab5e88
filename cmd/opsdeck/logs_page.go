package main

import (
	"opsdeck/internal/config"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
	"opsdeck/ops/site/reading"
	"opsdeck/tui/logview"
	"opsdeck/tui/page"
)

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
