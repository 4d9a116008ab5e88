package auditlog

import (
	"context"
	"database/sql"
	"fmt"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// maxTrace is how many rows of one resource's life are read.
const maxTrace = 20_000

// Trace reads the life of a resource, oldest row first, at most maxTrace rows.
func (s *Source) Trace(ctx context.Context, resourceType, id string, leave bool) (audit.Trace, error) {
	t := audit.Trace{Type: resourceType, ID: id}
	if !s.layout.Has(audit.ResourceType) || !s.layout.Has(audit.ResourceID) {
		return t, ops.E(ops.Config, lang.M("the table %s does not name resources", s.layout.Table)).
			WithHint(lang.M("name the columns under audit.columns in the configuration, e.g. created_at: logged_on"))
	}
	sub := audit.Exactly(id)
	m := audit.Exactly(resourceType)
	m.Sub = &sub
	f := audit.Filter{Terms: []audit.Term{{Op: audit.Resource, Field: audit.ResourceType, Any: []audit.Match{m}}}}
	err := s.with(ctx, func(ctx context.Context, q *session) error {
		w := s.filter(f)
		query := s.selectRows("", w, s.orderBy(""), maxTrace+1)
		if !leave {
			if err := s.guard(ctx, q, f, query, w.args); err != nil {
				return err
			}
		}
		var err error
		t.Timeline, err = s.fetch(ctx, q, query, w.args)
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

// Row reads one row by its id; ok is false when there is none.
func (s *Source) Row(ctx context.Context, id int64) (r audit.Row, ok bool, err error) {
	err = s.with(ctx, func(ctx context.Context, q *session) error {
		w := &where{}
		w.add(s.col(audit.ID)+" = ?", id)
		rows, err := s.fetch(ctx, q, s.selectRows("", w, s.col(audit.ID), 1), w.args)
		if len(rows) > 0 {
			r, ok = rows[0], true
		}
		return err
	})
	return r, ok, s.explain(err)
}

// After reads the rows that came behind an id, at most limit of them, in the
// order of ids, for a live list. With overlap a few ids before it are read
// again, for rows that were committed late.
func (s *Source) After(ctx context.Context, f audit.Filter, id int64, limit int) ([]audit.Row, error) {
	var out []audit.Row
	err := s.with(ctx, func(ctx context.Context, q *session) error {
		w := s.filter(f)
		w.add(s.col(audit.ID)+" > ?", id)
		var err error
		out, err = s.fetch(ctx, q, s.selectRows(s.byKey(), w, s.col(audit.ID), limit), w.args)
		return err
	})
	return out, s.explain(err)
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
	query := fmt.Sprintf("SELECT v, %s, COUNT(*) c FROM (SELECT CAST(%s AS CHAR) v, %s n FROM %s%s ORDER BY %s DESC LIMIT %d) t WHERE v LIKE ? ESCAPE '!' GROUP BY v ORDER BY c DESC, v LIMIT %d",
		label, s.col(f), name, s.name(), s.byKey(), s.col(audit.ID), sampleRows, limit)
	m := audit.Match{Parts: []string{prefix, ""}}
	var out []audit.Count
	err := s.with(ctx, func(ctx context.Context, q *session) error {
		rows, err := q.query(ctx, query, m.Like())
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

// span is the condition for rows of a run of ids.
func (s *Source) span(w *where, r audit.Range) *where {
	out := &where{parts: append([]string(nil), w.parts...), args: append([]any(nil), w.args...)}
	out.add(s.col(audit.ID)+" BETWEEN ? AND ?", r.First, r.Last)
	return out
}
