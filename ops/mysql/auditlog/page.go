package auditlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"opsdeck/ops/audit"
)

// Page reads one page of the list, newest first by time, then by id: the very
// rows that sorting the whole table would give. Errors are *ops.Error, except
// *audit.TooMuchError and *audit.UnprovedError, which ask for leave.
func (s *Source) Page(ctx context.Context, req audit.PageRequest) (audit.Page, error) {
	var p audit.Page
	err := s.with(ctx, func(ctx context.Context, q *session) error {
		var err error
		p, err = s.page(ctx, q, req)
		if errors.Is(err, audit.ErrStale) {
			s.forget()
			p, err = s.page(ctx, q, req)
		}
		if err == nil && len(p.Rows) == 0 && req.Before == audit.Newest() {
			p.Top, err = s.top(ctx, q)
		}
		return err
	})
	return p, s.asked(err)
}

// top is the place behind which rows will come that are not in the table yet.
func (s *Source) top(ctx context.Context, q *session) (audit.Pos, error) {
	if !s.layout.Numbered() {
		return audit.Pos{At: audit.StampOf(s.o.Clock.Now().Add(-skew), s.layout.Zone)}, nil
	}
	id, err := s.topID(ctx, q)
	return audit.Pos{At: audit.NoStamp, ID: max(id, math.MinInt64+overlapIDs)}, err
}

// skew is how far the server's clock may be behind ours.
const skew = time.Minute

// asked leaves questions as they are and explains everything else.
func (s *Source) asked(err error) error {
	var much *audit.TooMuchError
	var unproved *audit.UnprovedError
	if errors.As(err, &much) || errors.As(err, &unproved) {
		return err
	}
	return s.explain(err)
}

func (s *Source) page(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	way, missing, err := s.way(ctx, q, req.Filter)
	switch {
	case err != nil:
		return audit.Page{}, err
	case missing > 0 && req.Unproved:
		return s.unproved(ctx, q, req)
	case missing > 0:
		return audit.Page{}, &audit.UnprovedError{Rows: missing}
	case way == audit.ZoneOrder && !s.Order().Helps():
		if way, err = s.unordered(ctx, q, req); err != nil {
			return audit.Page{}, err
		}
	}
	var p audit.Page
	switch way {
	case audit.ZoneOrder:
		p, err = s.byZones(ctx, q, req)
	case audit.UserOrder:
		p, err = s.byUsers(ctx, q, req)
	case audit.TimeOrder:
		p, err = s.byIndex(ctx, q, req)
	default:
		p, err = s.sorted(ctx, q, req)
	}
	p.Strategy = way
	return p, err
}

// unordered chooses how to get a page of a table whose ids do not follow time:
// a small one is sorted by the server; a large one, once there is leave, is
// scanned zone by zone, which no time limit ends and which tells how far it is.
func (s *Source) unordered(ctx context.Context, q *session, req audit.PageRequest) (audit.Strategy, error) {
	if s.zones.Rows() <= s.o.MaxRows {
		return audit.SortTable, nil
	}
	if !req.Leave {
		w := s.filter(req.Filter)
		e, err := s.estimate(ctx, q, s.selectRows("", w, s.orderBy(" DESC"), req.Limit+1), w.args)
		e.Rows = max(e.Rows, s.zones.Rows())
		if s.ability.explain != "" && err != nil {
			return 0, err
		}
		return 0, &audit.TooMuchError{Estimate: e, Max: s.o.MaxRows, Index: s.layout.Advise(req.Filter)}
	}
	return audit.ZoneOrder, nil
}

// byZones pages by id, as far as the zones prove it.
func (s *Source) byZones(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	since, until := req.Filter.Span(s.layout)
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
		walk.Budget = s.o.MaxRows
	}
	walk.Read = func(ctx context.Context, w audit.Window) ([]audit.Row, error) {
		return s.window(ctx, q, req, w)
	}
	found, err := s.zones.Page(ctx, walk)
	return audit.Page{
		Rows:    found.Rows,
		More:    found.More,
		Next:    found.Next,
		Partial: found.Partial,
		Scanned: found.Scanned,
	}, err
}

func (s *Source) window(ctx context.Context, q *session, req audit.PageRequest, win audit.Window) ([]audit.Row, error) {
	id, order := s.col(audit.ID), s.col(audit.ID)+" DESC"
	if win.ByTime {
		order = s.orderBy(" DESC")
	}
	w := s.filter(req.Filter)
	if win.IDs != nil {
		w.add(id+" IN (?"+strings.Repeat(", ?", len(win.IDs)-1)+")", anys(win.IDs)...)
	} else {
		w.add(id+" BETWEEN ? AND ?", win.First, win.Last)
	}
	s.before(w, req.Before, req.Filter.Until.IsZero() && req.Filter.Since.IsZero())
	return s.chosen(ctx, q, s.byKey(), w, order, win.Limit)
}

func anys(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// selectRows is the query for rows.
func (s *Source) selectRows(hint string, w *where, order string, limit int) string {
	return fmt.Sprintf("SELECT %s FROM %s%s%s ORDER BY %s LIMIT %d", s.list(), s.name(), hint, w, order, limit)
}

// orderBy is the order of a list, or of a trace.
func (s *Source) orderBy(direction string) string {
	return s.col(audit.CreatedAt) + direction + ", " + s.keyOrder(direction)
}

func (s *Source) keyOrder(direction string) string {
	if s.layout.Numbered() {
		return s.col(audit.ID) + direction
	}
	names := make([]string, len(s.layout.Keys))
	for i, c := range s.layout.Keys {
		names[i] = audit.Ident(c.Name) + direction
	}
	return strings.Join(names, ", ")
}

// byKey keeps the server from preferring another index to the key.
func (s *Source) byKey() string {
	if !s.ability.force {
		return ""
	}
	return " FORCE INDEX (" + audit.Ident(s.layout.KeyIndex().Name) + ")"
}

// byUsers walks the index on user and time, once for each user asked for.
func (s *Source) byUsers(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	users := s.layout.Users(req.Filter)
	if len(users) == 1 {
		return s.byIndex(ctx, q, req)
	}
	if !s.layout.Numbered() { // only the server knows how to merge them
		return s.sorted(ctx, q, req)
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
		p, err := s.byIndex(ctx, q, one)
		if err != nil {
			return p, err
		}
		all = append(all, p.Rows...)
		if p.More {
			// One row more than the page tells that there is more.
			one.Before, one.Limit = p.Next, 1
			if p, err = s.byIndex(ctx, q, one); err != nil {
				return p, err
			}
			all = append(all, p.Rows...)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[j].Pos().Less(all[i].Pos()) })
	return paged(unique(all), req.Limit), nil
}

// unique drops repeated rows of a sorted list: a user may be asked for twice.
func unique(rows []audit.Row) []audit.Row {
	var out []audit.Row
	for i := range rows {
		if i == 0 || rows[i].ID != rows[i-1].ID {
			out = append(out, rows[i])
		}
	}
	return out
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
func (s *Source) byIndex(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	var rows []audit.Row
	if req.Before.At != audit.NoStamp {
		w := s.filter(req.Filter)
		s.before(w, req.Before, false)
		if s.layout.Column(audit.CreatedAt).Nullable {
			w.add(s.col(audit.CreatedAt) + " IS NOT NULL")
		}
		query := s.selectRows("", w, s.orderBy(" DESC"), req.Limit+1)
		if err := s.guardFiltered(ctx, q, req, query, w.args); err != nil {
			return audit.Page{}, err
		}
		var err error
		if rows, err = s.chosen(ctx, q, "", w, s.orderBy(" DESC"), req.Limit+1); err != nil {
			return audit.Page{}, err
		}
	}
	spanned := !req.Filter.Since.IsZero() || !req.Filter.Until.IsZero()
	if len(rows) > req.Limit || spanned || !s.layout.Column(audit.CreatedAt).Nullable {
		return paged(rows, req.Limit), nil
	}
	w := s.filter(req.Filter)
	w.add(s.col(audit.CreatedAt) + " IS NULL")
	if req.Before.At == audit.NoStamp {
		older, args := s.keyBeyond(req.Before, "<")
		w.add(older, args...)
	}
	more, err := s.chosen(ctx, q, "", w, s.keyOrder(" DESC"), req.Limit+1-len(rows))
	return paged(append(rows, more...), req.Limit), err
}

// guardFiltered guards a walk along an index only where the filter may make it
// pass over many rows.
func (s *Source) guardFiltered(ctx context.Context, q *session, req audit.PageRequest, query string, args []any) error {
	if req.Leave || len(req.Filter.Terms) <= 1 && s.layout.Choose(req.Filter, true) == audit.UserOrder ||
		req.Filter.Zero() {
		return nil
	}
	return s.guard(ctx, q, req.Filter, query, args)
}

// sorted lets the server sort what the filter leaves.
func (s *Source) sorted(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	w := s.filter(req.Filter)
	s.before(w, req.Before, req.Filter.Since.IsZero() && req.Filter.Until.IsZero())
	query := s.selectRows("", w, s.orderBy(" DESC"), req.Limit+1)
	e, err := s.weigh(ctx, q, req.Filter, query, w.args)
	switch {
	case err != nil:
		return audit.Page{}, err
	case e.Rows > s.o.MaxRows && !req.Leave:
		return audit.Page{}, &audit.TooMuchError{Estimate: e, Max: s.o.MaxRows, Index: s.layout.Advise(req.Filter)}
	case s.sweeps(e):
		return s.swept(ctx, q, req)
	}
	rows, err := s.chosen(ctx, q, "", w, s.orderBy(" DESC"), req.Limit+1)
	return paged(rows, req.Limit), err
}

// swept goes through the table by its key, for no index serves the page.
func (s *Source) swept(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	w := sweep{s: s, filter: req.Filter, direction: " DESC", limit: req.Limit + 1}
	w.also = func(cond *where) { s.before(cond, req.Before, req.Filter.Since.IsZero() && req.Filter.Until.IsZero()) }
	if req.Seen != nil {
		w.told = func(rows int64) { req.Seen(audit.Looked{Rows: rows, Of: max(rows, s.rows), Back: audit.NoStamp}) }
	}
	rows, err := w.run(ctx, q)
	p := paged(rows, req.Limit)
	p.Scanned = w.read
	return p, err
}

// unproved gives the rows with the highest ids, in the order of the list. It
// reads back no further than it may, so a filter can leave it with nothing.
func (s *Source) unproved(ctx context.Context, q *session, req audit.PageRequest) (audit.Page, error) {
	top, err := s.topID(ctx, q)
	if err != nil {
		return audit.Page{}, err
	}
	w := s.filter(req.Filter)
	if len(req.Filter.Terms) > 0 || !req.Filter.Zero() {
		w.add(s.col(audit.ID)+" > ?", top-s.o.MaxRows)
	}
	rows, err := s.chosen(ctx, q, s.byKey(), w, s.col(audit.ID)+" DESC", req.Limit)
	sort.SliceStable(rows, func(i, j int) bool { return rows[j].Pos().Less(rows[i].Pos()) })
	return audit.Page{Rows: rows, Unproved: true, Strategy: audit.ZoneOrder, Scanned: int64(len(rows))}, err
}
