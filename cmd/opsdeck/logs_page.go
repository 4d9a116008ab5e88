package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/version"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/logview"
	"opsdeck/tui/page"
)

// logsPage is the Logs tab over a service's logs. Reading begins with the
// console, so that the tab is full when it is opened.
func (a *app) logsPage(env *page.Env, s *config.Service) *logview.Page {
	store := store.NewStore(env.Zone, a.clock.Now)
	styles, err := a.logStyles(s)
	if err != nil {
		store.Fail("log_formats", err)
	}
	store.Style(styles.Of)
	conf := logfile.Config{
		Sources: s.Logs.Paths(),
		Stdin:   a.in,
		Shelf:   a.logShelf(env.Zone, styles),
		Found:   styles.Note,
	}
	if conf.Shelf != nil {
		store.Keep(conf.Shelf)
	}
	ctx, cancel := context.WithCancel(env.Ctx)
	var wg sync.WaitGroup
	o := logview.Options{Start: func() {
		wg.Go(func() { a.feedLogs(ctx, store, conf) })
	}, Close: func() {
		cancel()
		wg.Wait()
		store.Close()
	}, Export: func(ctx context.Context, q *query.Query, ndjson bool) (string, int64, error) {
		return a.exportLogs(ctx, conf, styles, q, ndjson)
	}, Stat: func(ctx context.Context, q *query.Query, ask stat.Ask) (*stat.Table, error) {
		sources, err := conf.Resolve(ctx, nil)
		if err != nil {
			return nil, err
		}
		scan := index.Scan{Query: q.Events(), Unnumbered: true, Styles: styles.Of, Zone: env.Zone, Now: a.clock.Now()}
		if conf.Shelf != nil {
			scan.Shelf = conf.Shelf
		}
		return stat.Run(ctx, &scan, sources, ask)
	}}
	o.Compare = func(ctx context.Context, q *query.Query, good, bad stat.Span) (*stat.Comparison, error) {
		sources, err := conf.Resolve(ctx, nil)
		if err != nil {
			return nil, err
		}
		scan := index.Scan{Query: q.Events(), Unnumbered: true, Styles: styles.Of, Zone: env.Zone, Now: a.clock.Now()}
		if conf.Shelf != nil {
			scan.Shelf = conf.Shelf
		}
		return stat.Compare(ctx, &scan, sources, good, bad)
	}
	for _, v := range s.LogViews {
		o.Searches = append(o.Searches, query.Saved{Name: v.Name, Query: v.Query})
	}
	if dir, err := a.stateDir(); err == nil {
		sources := s.Logs.Paths()
		m := newLogsMemory(dir, s.Name, sources, a.clock.Now)
		was := m.read()
		o.Session, o.SaveSession = m.readSession(), m.saveSession(sources)
		o.Aside = m.aside
		o.History, o.Marks, o.SaveHistory, o.SaveMarks = was.History, was.Marks, m.saveHistory, m.saveMarks
	}
	for _, h := range s.Highlights {
		o.Highlights = append(o.Highlights, logview.Filter{Query: h.Query, Colour: h.Colour})
	}
	return logview.New(env, store, o)
}

// logShelf is where the indexes of logs are kept, beside the state; nil when there
// is no such place. An index holds for one build of the program, one zone
// and the formats of one configuration.
func (a *app) logShelf(zone *time.Location, styles *logStyles) *logfile.Shelf {
	dir, err := a.stateDir()
	if err != nil {
		return nil
	}
	v, now := version.Get(), a.clock.Now()
	stamp := fmt.Sprint(v.Version, " ", v.Commit, " ", zone)
	for _, month := range []time.Month{time.January, time.July} {
		stamp += time.Date(now.Year(), month, 1, 0, 0, 0, 0, zone).Format(" -0700")
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
		}
	}
	if styles != nil {
		stamp += styles.stamp
	}
	return logfile.NewShelf(filepath.Join(dir, "log-index"), stamp)
}

// noLogsAgain is how often logs that were not there are looked for.
const noLogsAgain = 5 * time.Second

func (a *app) feedLogs(ctx context.Context, store *store.Store, conf logfile.Config) {
	for ctx.Err() == nil {
		sources, err := conf.Resolve(ctx, nil)
		if err == nil {
			conf.Feed(ctx, store, sources, store.Fail)
			return
		}
		store.Fail("", err)
		select {
		case <-ctx.Done():
		case <-time.After(noLogsAgain):
		}
	}
}

// exportLogs writes what a query finds to a file beside the state, with secrets
// masked.
func (a *app) exportLogs(
	ctx context.Context,
	conf logfile.Config,
	styles *logStyles,
	q *query.Query,
	ndjson bool,
) (string, int64, error) {
	dir, err := a.stateDir()
	if err != nil {
		return "", 0, err
	}
	dir = filepath.Join(dir, "exports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", 0, err
	}
	ext := "log"
	if ndjson {
		ext = "ndjson"
	}
	path := filepath.Join(dir, fmt.Sprintf("logs_%s.%s", a.clock.Now().Format("20060102_150405"), ext))
	sources, err := conf.Resolve(ctx, nil)
	if err != nil {
		return "", 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	n, err := writeExport(ctx, bufio.NewWriterSize(f, 256<<10), sources, styles, q, ndjson)
	if err != nil {
		os.Remove(path)
		return "", n, err
	}
	return path, n, f.Close()
}

func writeExport(
	ctx context.Context,
	w *bufio.Writer,
	sources []logs.Source,
	styles *logStyles,
	q *query.Query,
	ndjson bool,
) (n int64, err error) {
	scan := index.Scan{Query: q.Events(), Unnumbered: !ndjson, Styles: styles.Of}
	var last index.Hit
	var parser *line.Parser
	err = scan.Each(ctx, sources, func(h *index.Hit) error {
		if parser == nil {
			parser = line.NewParser(scan.Zone, scan.Now)
		}
		if last.SameEvent(h) {
			return nil
		}
		last = *h
		e, err := scan.WholeEvent(parser, h)
		if err != nil {
			return err
		}
		n++
		if !ndjson {
			_, err = w.WriteString(line.Mask(e.Raw) + "\n")
			return err
		}
		line.MaskEvent(&e)
		b, err := eventJSON(&e)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("export: %w", err)
	}
	return n, w.Flush()
}
