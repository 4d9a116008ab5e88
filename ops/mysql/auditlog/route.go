package auditlog

import (
	"context"
	"database/sql"
	"math"
	"sort"
	"strings"

	"opsdeck/ops/audit"
)

// route is a way through all rows that pass a filter, in strides that read a
// bounded number of rows each, whatever the filter lets through: by rising
// key, or by time where an index on it serves a span.
type route struct {
	rd     *reader
	filter audit.Filter
	byTime bool
	few    bool          // an index leaves few rows: no strides
	ranges []audit.Range // of ids, rising; for numbered tables by key
}

// route chooses the way. It fails with a question when the order of ids is not
// known and would help.
func (p *prover) route(ctx context.Context, q *session, f audit.Filter) (route, error) {
	r := route{rd: p.r, filter: f, ranges: []audit.Range{{First: math.MinInt64, Last: math.MaxInt64, Rows: p.r.rows}}}
	spanned := !f.Since.IsZero() || !f.Until.IsZero()
	if way := p.r.layout.Choose(f); way == audit.ZoneOrder && !spanned {
		return r, nil // all of the table, in the order of ids
	}
	way, missing, err := p.way(ctx, q, f)
	switch {
	case err != nil:
		return r, err
	case missing > 0:
		return r, &audit.UnprovedError{Rows: missing}
	case way == audit.Lookup || way == audit.UserOrder:
		r.few = true
	case way == audit.TimeOrder:
		r.byTime = spanned
	case way == audit.ZoneOrder:
		since, until := f.Span(p.r.layout)
		r.ranges, _ = p.zones.Ranges(since, until, math.MaxInt64)
		sort.Slice(r.ranges, func(i, j int) bool { return r.ranges[i].First < r.ranges[j].First })
	}
	return r, nil
}

// upTo leaves out ids above one, for numbered tables by key.
func (r *route) upTo(id int64) {
	kept := r.ranges[:0]
	for _, one := range r.ranges {
		if one.First <= id {
			one.Last = min(one.Last, id)
			kept = append(kept, one)
		}
	}
	r.ranges = kept
}

// rows is about how many rows lie on the way.
func (r *route) rows() (n int64) {
	for _, one := range r.ranges {
		n += one.Rows
	}
	return n
}

func (r *route) numbered() bool { return r.rd.layout.Numbered() && !r.byTime }

// mark is how far a route was walked. The zero mark is its beginning.
type mark struct {
	Pos   audit.Pos
	Begun bool
	End   bool // nothing is left
}

// columns are those that a route is ordered by.
func (r *route) columns() []string {
	var out []string
	if r.byTime {
		out = append(out, r.rd.layout.Column(audit.CreatedAt).Name)
	}
	if r.rd.layout.Numbered() {
		return append(out, r.rd.layout.Column(audit.ID).Name)
	}
	for _, c := range r.rd.layout.Keys {
		out = append(out, c.Name)
	}
	if !r.byTime && !r.rd.layout.Unique {
		out = append(out, r.rd.layout.Column(audit.CreatedAt).Name)
	}
	return out
}

func (r *route) order() string {
	names := r.columns()
	for i, n := range names {
		names[i] = audit.Ident(n)
	}
	return strings.Join(names, ", ")
}

// args are a place's values for columns.
func (r *route) args(p audit.Pos) []any {
	var out []any
	if r.byTime {
		out = append(out, p.At.String())
	}
	if r.rd.layout.Numbered() {
		return append(out, p.ID)
	}
	out = append(out, r.rd.keyArgs(p.Key)...)
	if !r.byTime && !r.rd.layout.Unique {
		out = append(out, p.At.String())
	}
	return out
}

// beyond is the condition that a row comes after a place, or up to it.
func (r *route) beyond(w *where, p audit.Pos) {
	cond, args := compare(r.columns(), r.args(p), ">")
	w.add(cond, args...)
}

func (r *route) until(w *where, p audit.Pos) {
	columns := r.columns()
	args := r.args(p)
	if len(columns) == 1 {
		w.add(audit.Ident(columns[0])+" <= ?", args[0])
		return
	}
	cond, all := compare(columns, args, "<")
	var equal []string
	for _, c := range columns {
		equal = append(equal, audit.Ident(c)+" = ?")
	}
	w.add("("+cond+" OR "+strings.Join(equal, " AND ")+")", append(all, args...)...)
}

// where is the condition for the rows of the filter behind a mark: for numbered
// tables those of the range that it stands in, whose index is returned.
func (r *route) where(w *where, from mark) (in int) {
	if !r.numbered() {
		if from.Begun {
			r.beyond(w, from.Pos)
		}
		return 0
	}
	for in < len(r.ranges)-1 && from.Begun && r.ranges[in].Last <= from.Pos.ID {
		in++
	}
	one := r.ranges[in]
	first := one.First
	if from.Begun && from.Pos.ID >= first {
		first = from.Pos.ID + 1
	}
	w.add(r.rd.col(audit.ID)+" BETWEEN ? AND ?", first, one.Last)
	return in
}

// stride finds where the next n rows behind a mark end, whether they pass the
// filter or not.
func (r *route) stride(ctx context.Context, q *session, from mark, n int) (mark, error) {
	w := &where{}
	hint := r.rd.byKey()
	if r.byTime {
		w = r.rd.filter(audit.Filter{Since: r.filter.Since, Until: r.filter.Until})
		hint = ""
	}
	in := r.where(w, from)
	names := r.columns()
	raw := make([]sql.NullString, len(names))
	dest := make([]any, len(names))
	for i := range raw {
		dest[i] = &raw[i]
	}
	rows, err := q.query(
		ctx,
		"SELECT "+r.order()+" FROM "+r.rd.name()+hint+w.String()+" ORDER BY "+r.order()+" LIMIT ?, 1",
		append(w.args, n-1)...)
	if err != nil {
		return mark{}, err
	}
	defer rows.Close()
	if !rows.Next() {
		end := mark{Begun: true, End: in >= len(r.ranges)-1}
		end.Pos.ID = r.ranges[in].Last
		return end, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return mark{}, err
	}
	p, err := r.place(names, raw)
	return mark{Pos: p, Begun: true}, err
}

// place reads a place from the values of columns.
func (r *route) place(names []string, raw []sql.NullString) (p audit.Pos, err error) {
	l := r.rd.layout
	row := audit.Row{Extra: make([]audit.Value, len(l.Extra))}
	for i, name := range names {
		v := audit.Value{Text: raw[i].String, Valid: raw[i].Valid}
		for f, c := range l.Columns {
			if c != nil && c.Name == name {
				row.Values[f] = v
			}
		}
		for e, c := range l.Extra {
			if c.Name == name {
				row.Extra[e] = v
			}
		}
	}
	err = finish(l, &row)
	return row.Pos(), err
}

// between is the filter's condition for the rows between two marks.
func (r *route) between(from, to mark) *where {
	w := r.rd.filter(r.filter)
	r.where(w, from)
	if !to.End && (!r.numbered() || to.Pos.ID < math.MaxInt64) {
		r.until(w, to.Pos)
	}
	return w
}

// next reads the rows of the filter in the next stride of about n rows.
func (r *route) next(ctx context.Context, q *session, from mark, n int) ([]audit.Row, mark, error) {
	if len(r.ranges) == 0 {
		return nil, mark{Begun: true, End: true}, nil
	}
	if r.few {
		return r.nextFew(ctx, q, from, n)
	}
	to, err := r.stride(ctx, q, from, n)
	if err != nil {
		return nil, to, err
	}
	w := r.between(from, to)
	rows, err := r.rd.chosen(ctx, q, r.hint(), w, r.order(), n)
	return rows, to, err
}

// nextFew lets the server's index find the rows.
func (r *route) nextFew(ctx context.Context, q *session, from mark, n int) ([]audit.Row, mark, error) {
	w := r.rd.filter(r.filter)
	r.where(w, from)
	rows, err := r.rd.chosen(ctx, q, "", w, r.order(), n)
	to := mark{Begun: true, End: len(rows) < n}
	if len(rows) > 0 {
		to.Pos = rows[len(rows)-1].Pos()
	}
	return rows, to, err
}

func (r *route) hint() string {
	if r.byTime {
		return ""
	}
	return r.rd.byKey()
}

// countStride is how many rows one counting query reads.
const countStride = 100_000

// count counts the rows of the filter, a stride at a time.
func (r *route) count(ctx context.Context, l *lane, report func(rows int64)) (int64, error) {
	if len(r.ranges) == 0 {
		return 0, nil
	}
	var have int64
	for at := (mark{}); !at.End; {
		err := l.with(ctx, func(ctx context.Context, q *session) error {
			to := mark{Begun: true, End: true}
			if !r.few {
				var err error
				if to, err = r.stride(ctx, q, at, countStride); err != nil {
					return err
				}
			}
			w := r.between(at, to)
			var n int64
			err := q.row(ctx, "SELECT COUNT(*) FROM "+r.rd.name()+w.String(), w.args, &n)
			if err == nil {
				have, at = have+n, to
			}
			return err
		})
		if err != nil {
			return have, err
		}
		if report != nil {
			report(have)
		}
	}
	return have, nil
}
