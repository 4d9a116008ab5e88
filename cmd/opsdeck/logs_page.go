package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/clock"
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

// logsTab is what the Logs tab does with a service's logs.
type logsTab struct {
	settings *settings
	clock    clock.Clock
	zone     *time.Location
	conf     logfile.Config
	styles   *logStyles
	store    *store.Store
}

// newLogsPage is the Logs tab over a service's logs. Reading begins with the
// console, so that the tab is full when it is opened.
func newLogsPage(env *page.Env, a *app, s *config.Service) *logview.Page {
	t := &logsTab{settings: a.settings, clock: a.clock, zone: env.Zone, store: store.NewStore(env.Zone, a.clock.Now)}
	styles, err := a.logStyles(s)
	if err != nil {
		t.store.Fail("log_formats", err)
	}
	t.styles = styles
	t.store.Style(styles.Of)
	t.conf = logfile.Config{
		Sources:  s.Logs.Paths(),
		Stdin:    a.in,
		Shelf:    logShelf(a.settings, a.clock, env.Zone, styles),
		Found:    styles.Note,
		Archives: true,
	}
	if t.conf.Shelf != nil {
		t.store.Keep(t.conf.Shelf)
	}
	o := logview.Options{Export: t.export, Stat: t.stat, Compare: t.compare}
	o.Start, o.Close = t.reading(env.Ctx)
	for _, v := range s.LogViews {
		o.Searches = append(o.Searches, query.Saved{Name: v.Name, Query: v.Query})
	}
	if dir, err := a.stateDir(); err == nil {
		sources := s.Logs.Paths()
		m := newLogsMemory(dir, s.Name, sources, a.clock.Now)
		was := m.read()
		o.Session, o.SaveSession = m.readSession(), m.saveSession(sources)
		o.Aside = m.aside
		o.History = was.History
		o.Marks = was.Marks
		o.SaveHistory = m.saveHistory
		o.SaveMarks = m.saveMarks
	}
	for _, h := range s.Highlights {
		o.Highlights = append(o.Highlights, logview.Filter{Query: h.Query, Colour: h.Colour})
	}
	return logview.New(env, t.store, o)
}

// reading begins to read the logs, and ends that.
func (t *logsTab) reading(ctx context.Context) (start, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	start = func() { wg.Go(func() { t.feed(ctx) }) }
	end = func() {
		cancel()
		wg.Wait()
		t.store.Close()
	}
	return start, end
}

// scan is a search of the whole logs for events.
func (t *logsTab) scan(q *query.Query) *index.Scan {
	scan := &index.Scan{Query: q.Events(), Unnumbered: true, Styles: t.styles.Of, Zone: t.zone, Now: t.clock.Now()}
	if t.conf.Shelf != nil {
		scan.Shelf = t.conf.Shelf
	}
	return scan
}

// stat counts what a query finds.
func (t *logsTab) stat(ctx context.Context, q *query.Query, ask stat.Ask) (*stat.Table, error) {
	sources, err := t.conf.Resolve(ctx, nil)
	if err != nil {
		return nil, err
	}
	return stat.Run(ctx, t.scan(q), sources, ask)
}

// compare compares two spans of what a query finds.
func (t *logsTab) compare(ctx context.Context, q *query.Query, good, bad stat.Span) (*stat.Comparison, error) {
	sources, err := t.conf.Resolve(ctx, nil)
	if err != nil {
		return nil, err
	}
	return stat.Compare(ctx, t.scan(q), sources, good, bad)
}

// logShelf is where the indexes of logs are kept, beside the state; nil when there
// is no such place. An index holds for one build of the program, one zone
// and the formats of one configuration.
func logShelf(set *settings, now clock.Clock, zone *time.Location, styles *logStyles) *logfile.Shelf {
	dir, err := set.stateDir()
	if err != nil {
		return nil
	}
	v := version.Get()
	year := now.Now().Year()
	stamp := fmt.Sprint(v.Version, " ", v.Commit, " ", zone)
	for _, month := range []time.Month{time.January, time.July} {
		stamp += time.Date(year, month, 1, 0, 0, 0, 0, zone).Format(" -0700")
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

// feed reads the logs into the store, as soon as they are there, until ctx ends.
func (t *logsTab) feed(ctx context.Context) {
	for ctx.Err() == nil {
		sources, err := t.conf.Resolve(ctx, nil)
		if err == nil {
			t.store.Fail("", nil)
			t.conf.Feed(ctx, t.store, sources, t.store.Fail)
			return
		}
		t.store.Fail("", err)
		select {
		case <-ctx.Done():
		case <-time.After(noLogsAgain):
		}
	}
}

// export writes what a query finds to a file beside the state, with secrets
// masked.
func (t *logsTab) export(ctx context.Context, q *query.Query, ndjson bool) (string, int64, error) {
	dir, err := t.settings.stateDir()
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
	path := filepath.Join(dir, fmt.Sprintf("logs_%s.%s", t.clock.Now().Format("20060102_150405"), ext))
	sources, err := t.conf.Resolve(ctx, nil)
	if err != nil {
		return "", 0, err
	}
	f, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return "", 0, err
	}
	defer f.Abort()
	n, err := writeExport(ctx, bufio.NewWriterSize(f, 256<<10), sources, t.styles, q, ndjson)
	if err != nil {
		return "", n, err
	}
	return path, n, f.Commit()
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
