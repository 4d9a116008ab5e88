package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// maxTrace is how many rows of one resource's life are read.
const maxTrace = 20_000

// Trace reads the life of a resource under all its names, oldest row first, at
// most maxTrace rows.
// Where no index leads to them, that is a scan: asked for first, and report is
// told how far it is.
func (s *Source) Trace(
	ctx context.Context,
	resourceType, id string,
	leave bool,
	report func(ops.Progress),
) (audit.Trace, error) {
	t := audit.Trace{Type: resourceType, ID: id}
	if !s.layout.Has(audit.ResourceType) || !s.layout.Has(audit.ResourceID) {
		return t, ops.E(ops.Config, lang.M("the table %s does not name resources", s.layout.Table)).
			WithHint(lang.M("name the columns under audit.columns in the configuration, e.g. created_at: logged_on"))
	}
	sub := audit.Exactly(id)
	term := audit.Term{Op: audit.Resource, Field: audit.ResourceType}
	for _, name := range s.o.Aliases.Of(resourceType) {
		m := audit.Exactly(name)
		m.Sub = &sub
		term.Any = append(term.Any, m)
	}
	f := audit.Filter{Terms: []audit.Term{term}}
	err := s.with(ctx, func(ctx context.Context, q *session) (err error) {
		t.Timeline, err = s.life(ctx, q, f, leave, report)
		return err
	})
	cut := len(t.Timeline) > maxTrace
	if cut {
		t.Timeline = t.Timeline[:maxTrace]
	}
	t.Summary = audit.Summarize(t.Timeline)
	t.Summary.Cut = cut
	return t, s.asked(err)
}

func (s *Source) life(
	ctx context.Context,
	q *session,
	f audit.Filter,
	leave bool,
	report func(ops.Progress),
) ([]audit.Row, error) {
	w := s.filter(f)
	query := s.selectRows("", w, s.orderBy(""), maxTrace+1)
	e, err := s.weigh(ctx, q, f, query, w.args)
	switch {
	case err != nil:
		return nil, err
	case e.Rows > s.o.MaxRows && !leave:
		return nil, &audit.TooMuchError{Estimate: e, Max: s.o.MaxRows, Index: s.layout.Advise(f)}
	case !s.sweeps(e):
		return s.chosen(ctx, q, "", w, s.orderBy(""), maxTrace+1)
	}
	all, begun := sweep{s: s, filter: f, limit: maxTrace + 1}, time.Now()
	if report != nil {
		all.told = func(rows int64) {
			report(
				ops.Progress{
					Phase:    "search",
					Object:   s.o.Table,
					Done:     rows,
					Total:    max(rows, s.rows),
					Unit:     "rows",
					Rows:     rows,
					Elapsed:  time.Since(begun),
					Estimate: true,
				},
			)
		}
	}
	return all.run(ctx, q)
}

const (
	overlapIDs  = 64              // ids read again for rows that were committed late
	overlapTime = 5 * time.Second // the same where rows are read by time
)

// After reads the rows that came behind a place, at most limit of them, oldest
// first, for a live list; and some before it again, for rows that were
// committed late. A table whose key does not count up is asked by time, and
// fails with *audit.TooMuchError where that would read much.
func (s *Source) After(ctx context.Context, f audit.Filter, top audit.Pos, limit int) ([]audit.Row, error) {
	var out []audit.Row
	err := s.with(ctx, func(ctx context.Context, q *session) (err error) {
		w := s.filter(f)
		if s.layout.Numbered() {
			w.add(s.col(audit.ID)+" > ?", top.ID-overlapIDs)
			out, err = s.chosen(ctx, q, s.byKey(), w, s.col(audit.ID), limit)
			return err
		}
		if top.At > audit.NoStamp+1 {
			w.add(s.col(audit.CreatedAt)+" >= ?", (top.At - audit.Stamp(overlapTime/time.Microsecond)).String())
		}
		query := s.selectRows("", w, s.orderBy(""), limit)
		if err := s.guard(ctx, q, f, query, w.args); err != nil {
			return err
		}
		out, err = s.chosen(ctx, q, "", w, s.orderBy(""), limit)
		return err
	})
	return out, s.asked(err)
}

// sampleRows is how many of the newest rows the values for completion come from.
const sampleRows = 2000

// Values are the values that a field has among the newest rows and that begin
// with prefix, most frequent first.
func (s *Source) Values(ctx context.Context, f audit.Field, prefix string, limit int) ([]audit.Count, error) {
	if !s.layout.Has(f) {
		return nil, nil
	}
	label := "''"
	if f == audit.UserID && s.layout.Has(audit.UserName) {
		label = "MAX(n)"
	}
	name := "NULL"
	if s.layout.Has(audit.UserName) {
		name = s.col(audit.UserName)
	}
	query := fmt.Sprintf(
		"SELECT v, %s, COUNT(*) c FROM (SELECT %s v, %s n FROM %s LIMIT %d) t WHERE %s LIKE ? ESCAPE '!' GROUP BY v "+
			"ORDER BY c DESC, v LIMIT %d",
		label,
		s.asText(f),
		name,
		s.newest(),
		sampleRows,
		s.cast("v"),
		limit,
	)
	m := audit.Match{Parts: []string{prefix, ""}}
	var out []audit.Count
	err := s.with(ctx, func(ctx context.Context, q *session) error {
		rows, err := q.query(ctx, query, s.folded(m.Like()))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c audit.Count
			var label sql.NullString
			if err := rows.Scan(&c.Value, &label, &c.Rows); err != nil {
				return err
			}
			c.Label = label.String
			out = append(out, c)
		}
		return rows.Err()
	})
	return out, s.explain(err)
}

// newest is the table in the order of its newest rows where that costs little,
// else in any order.
func (s *Source) newest() string {
	switch {
	case s.layout.Numbered():
		return s.name() + s.byKey() + " ORDER BY " + s.col(audit.ID) + " DESC"
	case s.layout.Choose(audit.Filter{}, false) == audit.TimeOrder:
		return s.name() + " ORDER BY " + s.orderBy(" DESC")
	}
	return s.name()
}

// asText is a field as the text that rows show.
func (s *Source) asText(f audit.Field) string {
	if s.layout.Column(f).Binary {
		return "LOWER(HEX(" + s.col(f) + "))"
	}
	return "CAST(" + s.col(f) + " AS CHAR)"
}

// span is the condition for rows of a run of ids.
func (s *Source) span(w *where, r audit.Range) *where {
	out := &where{parts: append([]string(nil), w.parts...), args: append([]any(nil), w.args...)}
	out.add(s.col(audit.ID)+" BETWEEN ? AND ?", r.First, r.Last)
	return out
}
