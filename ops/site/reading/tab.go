package reading

import (
	"bufio"
	"context"
	"fmt"
	"opsdeck/internal/atomicfile"
	"opsdeck/internal/clock"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/ops/logs/store"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Tab is what a console does with a service's logs.
type Tab struct {
	Clock    clock.Clock
	Zone     *time.Location
	Config   logfile.Config
	Styles   *Styles
	Store    *store.Store
	StateDir func() (string, error)
}

// Reading begins to read the logs, and ends that.
func (t *Tab) Reading(ctx context.Context) (start, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	start = func() { wg.Go(func() { t.feed(ctx) }) }
	end = func() {
		cancel()
		wg.Wait()
		t.Store.Close()
	}
	return start, end
}

// scan is a search of the whole logs for events.
func (t *Tab) scan(q *query.Query) *index.Scan {
	scan := &index.Scan{Query: q.Events(), Unnumbered: true, Styles: t.Styles.Of, Zone: t.Zone, Now: t.Clock.Now()}
	if t.Config.Shelf != nil {
		scan.Shelf = t.Config.Shelf
	}
	return scan
}

// Stat counts what a query finds.
func (t *Tab) Stat(ctx context.Context, q *query.Query, ask stat.Ask) (*stat.Table, error) {
	sources, err := t.Config.Resolve(ctx, nil)
	if err != nil {
		return nil, err
	}
	return stat.Run(ctx, t.scan(q), sources, ask)
}

// Compare compares two spans of what a query finds.
func (t *Tab) Compare(ctx context.Context, q *query.Query, good, bad stat.Span) (*stat.Comparison, error) {
	sources, err := t.Config.Resolve(ctx, nil)
	if err != nil {
		return nil, err
	}
	return stat.Compare(ctx, t.scan(q), sources, good, bad)
}

// noLogsAgain is how often logs that were not there are looked for.
const noLogsAgain = 5 * time.Second

// feed reads the logs into the store, as soon as they are there, until ctx ends.
func (t *Tab) feed(ctx context.Context) {
	for ctx.Err() == nil {
		sources, err := t.Config.Resolve(ctx, nil)
		if err == nil {
			t.Store.Fail("", nil)
			t.Config.Feed(ctx, t.Store, sources, t.Store.Fail)
			return
		}
		t.Store.Fail("", err)
		select {
		case <-ctx.Done():
		case <-time.After(noLogsAgain):
		}
	}
}

// Export writes what a query finds to a file beside the state, with secrets
// masked.
func (t *Tab) Export(ctx context.Context, q *query.Query, ndjson bool) (string, int64, error) {
	dir, err := t.StateDir()
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
	path := filepath.Join(dir, fmt.Sprintf("logs_%s.%s", t.Clock.Now().Format("20060102_150405"), ext))
	sources, err := t.Config.Resolve(ctx, nil)
	if err != nil {
		return "", 0, err
	}
	f, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return "", 0, err
	}
	defer f.Abort()
	n, err := writeExport(ctx, bufio.NewWriterSize(f, 256<<10), sources, t.Styles, q, ndjson)
	if err != nil {
		return "", n, err
	}
	return path, n, f.Commit()
}

func writeExport(
	ctx context.Context,
	w *bufio.Writer,
	sources []logs.Source,
	styles *Styles,
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
		b, err := HitOf(&e, nil).Encode()
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
