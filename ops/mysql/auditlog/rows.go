package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"opsdeck/ops/audit"
)

// reader reads rows of the table on a session that it is given.
type reader struct {
	table
	born      string // when the table was made, as the server says
	rows      int64  // the server's estimate at discovery
	sweepRows int    // of one query of a sweep
	room      *room  // of what is read for one answer; nil is unlimited
}

// room bounds the bytes of rows that are held at once: rows may be megabytes each.
type room struct {
	left int64
	full bool // rows were left out
}

// takes tells whether one row more has room. The first always has.
func (m *room) takes(r *audit.Row, first bool) bool {
	if m == nil {
		return true
	}
	for _, v := range r.Values {
		m.left -= int64(len(v.Text))
	}
	for _, v := range r.Extra {
		m.left -= int64(len(v.Text))
	}
	m.full = m.full || m.left < 0 && !first
	return !m.full
}

// list is the columns of a row for SELECT, in the order that scan reads them.
func (t *table) list() string {
	var names []string
	for _, f := range t.layout.Fields() {
		names = append(names, t.col(f))
	}
	for _, c := range t.layout.Extra {
		names = append(names, audit.Ident(c.Name))
	}
	return strings.Join(names, ", ")
}

// scanner reads whole rows.
type scanner struct {
	layout *audit.Layout
	fields []audit.Field
	raw    []sql.RawBytes
	dest   []any
}

// finish fills in what follows from a row's values: bytes become hexadecimal
// digits, the key and the time what rows are ordered by.
func finish(l *audit.Layout, r *audit.Row) error {
	for i, c := range l.Columns {
		if c != nil && c.Binary && r.Values[i].Valid {
			r.Values[i].Text = audit.Hex(r.Values[i].Text)
		}
	}
	for i, c := range l.Extra {
		if c.Binary && r.Extra[i].Valid {
			r.Extra[i].Text = audit.Hex(r.Extra[i].Text)
		}
	}
	var err error
	if l.Numbered() {
		if r.ID, err = strconv.ParseInt(r.Get(audit.ID), 10, 64); err != nil {
			return fmt.Errorf("read the key: %w", err)
		}
	} else {
		r.Key = l.KeyOf(r)
	}
	r.At = audit.NoStamp
	if v := r.Values[audit.CreatedAt]; v.Valid {
		if r.At, err = audit.ParseStamp(v.Text); err != nil {
			return fmt.Errorf("row %s: %w", r.Name(), err)
		}
	}
	r.Time = r.At.Moment(l.Zone)
	return nil
}

func (t *table) scanner() *scanner {
	sc := &scanner{layout: t.layout, fields: t.layout.Fields()}
	sc.raw = make([]sql.RawBytes, len(sc.fields)+len(t.layout.Extra))
	for i := range sc.raw {
		sc.dest = append(sc.dest, &sc.raw[i])
	}
	return sc
}

func (sc *scanner) scan(rows *sql.Rows) (audit.Row, error) {
	var r audit.Row
	if err := rows.Scan(sc.dest...); err != nil {
		return r, err
	}
	for i, f := range sc.fields {
		if sc.raw[i] != nil {
			r.Values[f] = audit.Value{Text: string(sc.raw[i]), Valid: true}
		}
	}
	for _, raw := range sc.raw[len(sc.fields):] {
		r.Extra = append(r.Extra, audit.Value{Text: string(raw), Valid: raw != nil})
	}
	return r, finish(sc.layout, &r)
}

// fetch reads all rows of a query whose SELECT list is list().
func (r *reader) fetch(ctx context.Context, q *session, query string, args []any) ([]audit.Row, error) {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sc := r.scanner()
	var out []audit.Row
	for rows.Next() {
		row, err := sc.scan(rows)
		if err != nil {
			return nil, err
		}
		if !r.room.takes(&row, len(out) == 0) {
			return out, nil
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// estimate asks the server what a query would read.
func (r *reader) estimate(ctx context.Context, q *session, query string, args []any) (audit.Estimate, error) {
	var e audit.Estimate
	if r.can.explain == "" {
		return e, nil
	}
	rows, err := q.conn.QueryContext(ctx, r.can.explain+" "+query, args...)
	if err != nil {
		return e, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return e, err
	}
	raw := make([]sql.NullString, len(names))
	dest := make([]any, len(names))
	for i := range raw {
		dest[i] = &raw[i]
	}
	taken := false
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return e, err
		}
		for i, name := range names {
			taken = e.Take(strings.ToLower(name), raw[i].String) || taken
		}
	}
	if err := rows.Err(); err != nil || taken {
		return e, err
	}
	return e, errNoEstimate
}

// errNoEstimate says that the server explains queries without a number of rows.
var errNoEstimate = errors.New("the server's EXPLAIN tells no number of rows")

// guard refuses a query that would read too much without leave.
func (r *reader) guard(ctx context.Context, q *session, f audit.Filter, query string, args []any) error {
	e, err := r.estimate(ctx, q, query, args)
	if err != nil {
		return err
	}
	if e.Rows <= r.opt.MaxRows {
		return nil
	}
	return r.tooMuch(e, f)
}

func (r *reader) tooMuch(e audit.Estimate, f audit.Filter) error {
	return &audit.TooMuchError{Estimate: e, Max: r.opt.MaxRows, Index: r.layout.Advise(f)}
}

func (r *reader) topID(ctx context.Context, q *session) (int64, error) {
	var top sql.NullInt64
	err := q.row(ctx, "SELECT MAX("+r.col(audit.ID)+") FROM "+r.name(), nil, &top)
	if !top.Valid {
		return math.MinInt64, err
	}
	return top.Int64, err
}
