package auditlog

import (
	"context"
	"math"
	"slices"
	"strings"

	"opsdeck/ops/audit"
)

// sweepRows is how many rows one query of a sweep reads.
const sweepRows = 20_000

// sweep finds the first rows of an order that no index gives: it goes through
// the whole table by its key, a stride at a time, so that no query is long, and
// keeps no more rows than are wanted.
type sweep struct {
	r         *reader
	filter    audit.Filter
	also      func(*where) // further conditions; may be nil
	direction string       // " DESC" for newest first, "" for oldest first
	limit     int
	progress  func(rows int64) // how many were looked at; may be nil
	kept      []audit.Row
	read      int64
}

// sweeps tells whether a query that the server would answer by reading and
// sorting so much is better swept: not where an index leaves it a part of the
// table, and not where the key's own index is in another order.
func (r *reader) sweeps(e audit.Estimate) bool {
	if e.Rows <= r.opt.MaxRows {
		return false
	}
	key := r.layout.KeyIndex()
	whole := e.Key == "" || strings.EqualFold(e.Key, key.Name) || e.Rows >= r.rows/2
	names := (&route{rd: r}).columns()
	return whole &&
		(len(key.Columns) == 0 || len(names) <= len(key.Columns) &&
			slices.EqualFunc(names, key.Columns[:len(names)], strings.EqualFold))
}

// weigh is what a query reads, as far as the server tells; of one that does
// not, a query that no index serves reads the table.
func (r *reader) weigh(ctx context.Context, q *session, f audit.Filter, query string,
	args []any) (audit.Estimate, error) {
	if r.can.explain == "" {
		if way := r.layout.Choose(f); way == audit.ZoneOrder || way == audit.SortTable {
			return audit.Estimate{Rows: r.rows}, nil
		}
	}
	return r.estimate(ctx, q, query, args)
}

func (w *sweep) run(ctx context.Context, q *session) ([]audit.Row, error) {
	way := route{rd: w.r, filter: w.filter, ranges: []audit.Range{{First: math.MinInt64, Last: math.MaxInt64}}}
	for at := (mark{}); !at.End; {
		to, err := way.stride(ctx, q, at, w.r.sweepRows)
		if err != nil {
			return nil, err
		}
		cond := way.between(at, to)
		if w.also != nil {
			w.also(cond)
		}
		w.cutOff(cond)
		rows, err := w.r.chosen(ctx, q, way.hint(), cond, w.r.orderBy(w.direction), w.limit)
		if err != nil {
			return nil, err
		}
		w.take(rows)
		if at = to; at.End {
			w.read = max(w.read, w.r.rows) // the last stride is as long as it is
		} else {
			w.read += int64(w.r.sweepRows)
		}
		if w.progress != nil {
			w.progress(w.read)
		}
	}
	return w.kept, nil
}

// take puts the rows of the next stride among those that were kept. Their keys
// are all higher than those before: that decides between rows of one time,
// which only the server could compare by their keys.
func (w *sweep) take(rows []audit.Row) {
	before := func(a, b *audit.Row) bool { // a, of the stride, before b, kept
		if w.direction == "" {
			return a.At < b.At
		}
		return a.At >= b.At
	}
	merged := make([]audit.Row, 0, min(w.limit, len(rows)+len(w.kept)))
	kept := w.kept
	for len(merged) < w.limit && len(rows)+len(kept) > 0 {
		if len(kept) == 0 || len(rows) > 0 && before(&rows[0], &kept[0]) {
			merged = append(merged, rows[0])
			rows = rows[1:]
		} else {
			merged = append(merged, kept[0])
			kept = kept[1:]
		}
	}
	w.kept = merged
}

// cutOff leaves out rows that come behind all that are wanted.
func (w *sweep) cutOff(cond *where) {
	if len(w.kept) < w.limit || w.limit == 0 {
		return
	}
	last := w.kept[w.limit-1].At
	at := w.r.col(audit.CreatedAt)
	switch {
	case last <= audit.NoStamp+1: // NULL and zero dates are no values to compare with
	case w.direction != "":
		cond.add(at+" >= ?", last.String())
	case w.r.layout.Column(audit.CreatedAt).Nullable:
		cond.add("("+at+" <= ? OR "+at+" IS NULL)", last.String())
	default:
		cond.add(at+" <= ?", last.String())
	}
}
