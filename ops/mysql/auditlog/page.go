package auditlog

import (
	"context"
	"errors"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"opsdeck/ops/audit"
)

// Page reads one page of the list, newest first by time, then by id: the very
// rows that sorting the whole table would give. Errors are *ops.Error, except
// *audit.TooMuchError and *audit.UnprovedError, which ask for leave.
func (s *Source) Page(ctx context.Context, req audit.PageRequest) (audit.Page, error) {
	g := &pager{r: s.r, order: s.order}
	var p audit.Page
	err := s.lane.with(ctx, func(ctx context.Context, q *session) error {
		var err error
		p, err = g.page(ctx, q, req)
		if errors.Is(err, audit.ErrStale) {
			s.order.forget()
			p, err = g.page(ctx, q, req)
		}
		if err == nil && len(p.Rows) == 0 && req.Before == audit.Newest() {
			p.Top, err = g.top(ctx, q)
		}
		return err
	})
	return p, s.lane.asked(err)
}

// pager reads pages of the list.
type pager struct {
	r     *reader
	order *prover
}

// top is the place behind which rows will come that are not in the table yet.
func (g *pager) top(ctx context.Context, q *session) (audit.Pos, error) {
	if !g.r.layout.Numbered() {
		return audit.Pos{At: audit.StampOf(g.r.opt.Clock.Now().Add(-skew), g.r.layout.Zone)}, nil
	}
	id, err := g.r.topID(ctx, q)
	return audit.Pos{At: audit.NoStamp, ID: max(id, math.MinInt64+overlapIDs)}, err
}

// skew is how far the server's clock may be behind ours.
const skew = time.Minute

func (g *pager) page(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	way, missing, err := g.order.way(ctx, q, req.Filter)
	switch {
	case err != nil:
		return audit.Page{}, err
	case missing > 0 && req.Unproved:
		return g.unproved(ctx, q, req)
	case missing > 0:
		return audit.Page{}, &audit.UnprovedError{Rows: missing}
	case way == audit.ZoneOrder && !g.order.zones.Helps():
		if way, err = g.unordered(ctx, q, req); err != nil {
			return audit.Page{}, err
		}
	}
	var p audit.Page
	switch way {
	case audit.ZoneOrder:
		p, err = g.byZones(ctx, q, req)
	case audit.UserOrder:
		p, err = g.byUsers(ctx, q, req)
	case audit.TimeOrder:
		p, err = g.byIndex(ctx, q, req)
	default:
		p, err = g.sorted(ctx, q, req)
	}
	p.Strategy = way
	return p, err
}

// unordered chooses how to get a page of a table whose ids do not follow time:
// a small one is sorted by the server; a large one, once there is leave, is
// scanned zone by zone, which no time limit ends and which tells how far it is.
func (g *pager) unordered(ctx context.Context, q *session, req audit.PageRequest) (audit.Strategy, error) {
	if g.order.zones.Rows() <= g.r.opt.MaxRows {
		return audit.SortTable, nil
	}
	if !req.Leave {
		w := g.r.filter(req.Filter)
		e, err := g.r.estimate(ctx, q, g.r.selectRows("", w, g.r.orderBy(" DESC"), req.Limit+1), w.args)
		e.Rows = max(e.Rows, g.order.zones.Rows())
		if g.r.can.explain != "" && err != nil {
			return 0, err
		}
		return 0, g.r.tooMuch(e, req.Filter)
	}
	return audit.ZoneOrder, nil
}

// byZones pages by id, as far as the zones prove it.
func (g *pager) byZones(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	since, until := req.Filter.Span(g.r.layout)
	before := req.Before
	if top := (audit.Pos{At: until, ID: -1 << 63}); until != audit.MaxStamp && top.Less(before) {
		before = top
	}
	walk := audit.Walk{
		Before:   before,
		Since:    since,
		Limit:    req.Limit,
		Filtered: len(req.Filter.Terms) > 0,
		Seen:     req.Seen,
	}
	if !req.Leave {
		walk.Budget = g.r.opt.MaxRows
	}
	walk.Read = func(ctx context.Context, w audit.Window) ([]audit.Row, error) {
		return g.window(ctx, q, req, w)
	}
	found, err := g.order.zones.Page(ctx, walk)
	return audit.Page{
		Rows:    found.Rows,
		More:    found.More,
		Next:    found.Next,
		Partial: found.Partial,
		Scanned: found.Scanned,
	}, err
}

func (g *pager) window(ctx context.Context, q *session, req audit.PageRequest, win audit.Window) ([]audit.Row, error) {
	id := g.r.col(audit.ID)
	order := g.r.col(audit.ID) + " DESC"
	if win.ByTime {
		order = g.r.orderBy(" DESC")
	}
	w := g.r.filter(req.Filter)
	if win.IDs != nil {
		w.add(id+" IN (?"+strings.Repeat(", ?", len(win.IDs)-1)+")", anys(win.IDs)...)
	} else {
		w.add(id+" BETWEEN ? AND ?", win.First, win.Last)
	}
	g.r.before(w, req.Before, req.Filter.Until.IsZero() && req.Filter.Since.IsZero())
	return g.r.chosen(ctx, q, g.r.byKey(), w, order, win.Limit)
}

func anys(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// byUsers walks the index on user and time, once for each user asked for.
func (g *pager) byUsers(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	users := g.r.layout.Users(req.Filter)
	if len(users) == 1 {
		return g.byIndex(ctx, q, req)
	}
	if !g.r.layout.Numbered() { // only the server knows how to merge them
		return g.sorted(ctx, q, req)
	}
	var all []audit.Row
	for _, user := range users {
		one := req
		one.Filter.Terms = nil
		for _, t := range req.Filter.Terms {
			if t.Op == audit.Is && t.Field == audit.UserID && !t.Not {
				t.Any = []audit.Match{audit.Exactly(user)}
			}
			one.Filter.Terms = append(one.Filter.Terms, t)
		}
		p, err := g.byIndex(ctx, q, one)
		if err != nil {
			return p, err
		}
		all = append(all, p.Rows...)
		if p.More {
			// One row more than the page tells that there is more.
			one.Before, one.Limit = p.Next, 1
			if p, err = g.byIndex(ctx, q, one); err != nil {
				return p, err
			}
			all = append(all, p.Rows...)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[j].Pos().Less(all[i].Pos()) })
	all = slices.CompactFunc(all, func(a, b audit.Row) bool { return a.ID == b.ID }) // a user may be asked for twice
	return paged(all, req.Limit), nil
}

// paged cuts the row that tells that there is more.
func paged(rows []audit.Row, limit int) audit.Page {
	p := audit.Page{Rows: rows, Scanned: int64(len(rows))}
	if len(rows) > limit {
		p.Rows, p.More = rows[:limit], true
		if limit > 0 {
			p.Next = rows[limit-1].Pos()
		}
	}
	return p
}

// byIndex reads along an index that is in the page's order: first the rows
// that have a time, then, when they do not fill the page, those that have none.
func (g *pager) byIndex(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	var rows []audit.Row
	if req.Before.At != audit.NoStamp {
		w := g.r.filter(req.Filter)
		g.r.before(w, req.Before, false)
		if g.r.layout.Column(audit.CreatedAt).Nullable {
			w.add(g.r.col(audit.CreatedAt) + " IS NOT NULL")
		}
		query := g.r.selectRows("", w, g.r.orderBy(" DESC"), req.Limit+1)
		if err := g.guardFiltered(ctx, q, req, query, w.args); err != nil {
			return audit.Page{}, err
		}
		var err error
		if rows, err = g.r.chosen(ctx, q, "", w, g.r.orderBy(" DESC"), req.Limit+1); err != nil {
			return audit.Page{}, err
		}
	}
	spanned := !req.Filter.Since.IsZero() || !req.Filter.Until.IsZero()
	if len(rows) > req.Limit || spanned || !g.r.layout.Column(audit.CreatedAt).Nullable {
		return paged(rows, req.Limit), nil
	}
	w := g.r.filter(req.Filter)
	w.add(g.r.col(audit.CreatedAt) + " IS NULL")
	if req.Before.At == audit.NoStamp {
		older, args := g.r.keyBeyond(req.Before, "<")
		w.add(older, args...)
	}
	more, err := g.r.chosen(ctx, q, "", w, g.r.keyOrder(" DESC"), req.Limit+1-len(rows))
	return paged(append(rows, more...), req.Limit), err
}

// guardFiltered guards a walk along an index only where the filter may make it
// pass over many rows.
func (g *pager) guardFiltered(ctx context.Context, q *session, req audit.PageRequest, query string, args []any) error {
	if req.Leave || len(req.Filter.Terms) <= 1 && g.r.layout.Choose(req.Filter) == audit.UserOrder ||
		req.Filter.Zero() {
		return nil
	}
	return g.r.guard(ctx, q, req.Filter, query, args)
}

// sorted lets the server sort what the filter leaves.
func (g *pager) sorted(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	w := g.r.filter(req.Filter)
	g.r.before(w, req.Before, req.Filter.Since.IsZero() && req.Filter.Until.IsZero())
	query := g.r.selectRows("", w, g.r.orderBy(" DESC"), req.Limit+1)
	e, err := g.r.weigh(ctx, q, req.Filter, query, w.args)
	switch {
	case err != nil:
		return audit.Page{}, err
	case e.Rows > g.r.opt.MaxRows && !req.Leave:
		return audit.Page{}, g.r.tooMuch(e, req.Filter)
	case g.r.sweeps(e):
		return g.swept(ctx, q, req)
	}
	rows, err := g.r.chosen(ctx, q, "", w, g.r.orderBy(" DESC"), req.Limit+1)
	return paged(rows, req.Limit), err
}

// swept goes through the table by its key, for no index serves the page.
func (g *pager) swept(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	w := sweep{r: g.r, filter: req.Filter, direction: " DESC", limit: req.Limit + 1}
	w.also = func(cond *where) {
		g.r.before(cond, req.Before, req.Filter.Since.IsZero() && req.Filter.Until.IsZero())
	}
	if req.Seen != nil {
		w.progress = func(rows int64) {
			req.Seen(audit.Looked{Rows: rows, Of: max(rows, g.r.rows), Back: audit.NoStamp})
		}
	}
	rows, err := w.run(ctx, q)
	p := paged(rows, req.Limit)
	p.Scanned = w.read
	return p, err
}

// unproved gives the rows with the highest ids, in the order of the list. It
// reads back no further than it may, so a filter can leave it with nothing.
func (g *pager) unproved(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	top, err := g.r.topID(ctx, q)
	if err != nil {
		return audit.Page{}, err
	}
	w := g.r.filter(req.Filter)
	if len(req.Filter.Terms) > 0 || !req.Filter.Zero() {
		w.add(g.r.col(audit.ID)+" > ?", top-g.r.opt.MaxRows)
	}
	rows, err := g.r.chosen(ctx, q, g.r.byKey(), w, g.r.col(audit.ID)+" DESC", req.Limit)
	sort.SliceStable(rows, func(i, j int) bool { return rows[j].Pos().Less(rows[i].Pos()) })
	return audit.Page{Rows: rows, Unproved: true, Strategy: audit.ZoneOrder, Scanned: int64(len(rows))}, err
}
