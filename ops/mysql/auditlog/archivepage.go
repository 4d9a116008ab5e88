package auditlog

import (
	"context"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/load"
)

// Page is the list of a table's rows in the archive: newest first, after
// before. parse makes the filter once the columns are known. Of an archive with
// a manifest only the members that can hold a row of the page are read; any
// other is read whole. Memory is that of the page.
func (a Archive) Page(ctx context.Context, parse func(*audit.Layout) (audit.Filter, audit.Pos, error),
	limit int) (*audit.Layout, audit.Page, error) {
	src, err := load.Open(a.Path)
	if err != nil {
		return nil, audit.Page{}, err
	}
	defer src.Close()
	g := &gatherer{limit: limit}
	if p, ok := a.parts(src.Manifest); ok {
		err = a.pageByMembers(ctx, src, p, parse, g)
	} else {
		err = a.scan(ctx, src, func(t *archiveTable) (*rowReader, error) {
			if err := g.begin(t, parse); err != nil {
				return nil, err
			}
			return g.reader(t), nil
		})
	}
	if err != nil {
		return g.layout, audit.Page{Scanned: g.scanned.Load()}, err
	}
	g.cut()
	page := paged(g.rows, limit)
	page.Scanned = g.scanned.Load()
	return g.layout, page, nil
}

// gatherer keeps the newest rows that pass.
type gatherer struct {
	layout       *audit.Layout
	filter       audit.Filter
	before       audit.Pos
	since, until audit.Stamp
	limit        int

	mu      sync.Mutex
	rows    []audit.Row
	scanned atomic.Int64
}

func (g *gatherer) begin(t *archiveTable, parse func(*audit.Layout) (audit.Filter, audit.Pos, error)) (err error) {
	g.layout = t.layout
	g.filter, g.before, err = parse(t.layout)
	g.since, g.until = g.filter.Span(t.layout)
	return err
}

// wants tells whether a row of a time may belong to the page.
func (g *gatherer) wants(at audit.Stamp) bool {
	return at <= g.before.At && at >= g.since && (g.until == audit.MaxStamp || at < g.until && at != audit.NoStamp)
}

// reader reads rows into the page; several may run at a time.
func (g *gatherer) reader(t *archiveTable) *rowReader {
	r := &rowReader{table: t}
	r.wants = func(at audit.Stamp) bool {
		g.scanned.Add(1)
		return g.wants(at)
	}
	r.each = func(row *audit.Row) error {
		if !row.Pos().Less(g.before) || !g.filter.Accept(g.layout, row) {
			return nil
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.rows = append(g.rows, *row); len(g.rows) >= 4*g.limit+1000 {
			g.cut()
		}
		return nil
	}
	return r
}

// cut drops what is behind the page and the row that tells that there is more.
func (g *gatherer) cut() {
	sort.Slice(g.rows, func(i, j int) bool { return g.rows[j].Pos().Less(g.rows[i].Pos()) })
	g.rows = g.rows[:min(len(g.rows), g.limit+1)]
}

// full tells whether no row as old as that can belong to the page any more.
func (g *gatherer) full(newest audit.Stamp) bool {
	g.cut()
	return len(g.rows) > g.limit && g.rows[g.limit].At > newest
}

// pageByMembers reads the members whose rows can be on the page, those with
// the newest rows first, until the page is full of newer ones.
func (a Archive) pageByMembers(ctx context.Context, src *load.Source, p parts,
	parse func(*audit.Layout) (audit.Filter, audit.Pos, error), g *gatherer) error {
	in := src.Reader()
	defer in.Close()
	t, err := a.tableOf(ctx, in, p)
	if err != nil {
		return err
	}
	if err := g.begin(t, parse); err != nil {
		return err
	}
	ix, err := a.indexOf(ctx, src, p, t)
	if err != nil {
		return err
	}
	order := g.candidates(ix)
	begun := time.Now()
	all := len(order)
	for len(order) > 0 && !g.full(ix.Blocks[order[0]].Max) {
		some := order[:min(len(order), runtime.GOMAXPROCS(0))]
		order = order[len(some):]
		err := eachMember(ctx, src, len(some), func(ctx context.Context, in *load.Reader, i int) error {
			text, err := in.Text(ctx, p.rows[some[i]])
			if err != nil {
				return err
			}
			return g.reader(t).text(text)
		})
		if err != nil {
			return err
		}
		a.report(
			ops.Progress{
				Phase:   "search",
				Object:  a.Table,
				Done:    int64(all - len(order)),
				Total:   int64(all),
				Elapsed: time.Since(begun),
			},
		)
	}
	return nil
}

// candidates are the members that can hold a row of the page, newest first.
func (g *gatherer) candidates(ix *archiveIndex) []int {
	var out []int
	for i, b := range ix.Blocks {
		if b.Rows > 0 && b.Min <= g.before.At && b.Max >= g.since && (g.until == audit.MaxStamp || b.Min < g.until) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(i, j int) int {
		switch a, b := ix.Blocks[i].Max, ix.Blocks[j].Max; {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return out
}
