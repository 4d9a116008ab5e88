package dump

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// span is a range of keys: those that begin with the values before, and whose next column
// is at least from and less than to. All are SQL literals; "" is open.
type span struct {
	before   []string
	from, to string
	beyond   bool // from itself is excluded
	rows     int64
}

// condition is the span as an SQL condition; "" for all keys.
func (s *span) condition(t *table) string {
	var and []string
	for i, v := range s.before {
		and = append(and, schema.Ident(t.Key[i])+" = "+v)
	}
	if s.from != "" {
		op := " >= "
		if s.beyond {
			op = " > "
		}
		and = append(and, schema.Ident(t.Key[len(s.before)])+op+s.from)
	}
	if s.to != "" {
		and = append(and, schema.Ident(t.Key[len(s.before)])+" < "+s.to)
	}
	return strings.Join(and, " AND ")
}

// literal is an end of the span as a list of literals, one per column.
func (s *span) literal(end string) string {
	if end == "" {
		return strings.Join(s.before, ",")
	}
	return strings.Join(append(slices.Clone(s.before), end), ",")
}

// maxDepth limits how often a range is halved: enough to find rows anywhere among 2^64
// keys.
const maxDepth = 66

// planner splits a table's keys into spans. Where it has little information spans get
// large, but each key is in exactly one of them.
type planner struct {
	c     *sql.Conn
	t     *table
	rows  int64 // target for a span
	most  int   // limit on spans: a server whose estimates do not shrink would yield an endless number
	spans []span
}

// add appends a finished span. Small adjacent ones are merged.
func (p *planner) add(s span, rows int64) {
	s.rows = rows
	if n := len(p.spans); n > 0 {
		last := &p.spans[n-1]
		if last.rows < p.rows/2 && last.to == s.from && s.from != "" && !s.beyond &&
			slices.Equal(last.before, s.before) {
			last.to, last.rows = s.to, last.rows+rows
			return
		}
	}
	p.spans = append(p.spans, s)
}

// column is the column that a span ranges over; nil if it cannot be split.
func (p *planner) column(s span) *schema.Column {
	if len(s.before) >= len(p.t.Key) {
		return nil
	}
	c := p.t.Column(p.t.Key[len(s.before)])
	if c == nil || c.Generated || measureOf(c) == nil {
		return nil
	}
	return c
}

// cut splits a span of about the given number of rows.
func (p *planner) cut(ctx context.Context, s span, rows int64) error {
	col := p.column(s)
	if col == nil || rows <= p.rows+p.rows/2 {
		p.add(s, rows)
		return nil
	}
	b, err := p.ends(ctx, col, s)
	if err != nil {
		return err
	}
	return p.split(ctx, col, s, b, rows, maxDepth)
}

// ends are the first and the last key of a span.
func (p *planner) ends(ctx context.Context, col *schema.Column, s span) (b bracket, err error) {
	for order, end := range map[string]*string{"": &b.low, " DESC": &b.high} {
		row, err := p.ask(ctx, s, "SELECT "+col.Expr(), " ORDER BY "+schema.Ident(col.Name)+order+" LIMIT 1")
		if err != nil {
			return b, err
		}
		if len(row) > 0 {
			*end = row[0]
		}
	}
	return b, nil
}

// bracket is two values, as text, between which the keys of a span lie. low is the first
// key, where values are not evenly spaced.
type bracket struct{ low, high string }

// split halves a span until its parts are small enough.
func (p *planner) split(ctx context.Context, col *schema.Column, s span, b bracket, rows int64, depth int) error {
	if rows <= p.rows+p.rows/2 || depth == 0 || len(p.spans) >= p.most {
		p.add(s, rows)
		return nil
	}
	c, ok, err := p.middle(ctx, col, s, b, rows)
	if err != nil {
		return err
	}
	if !ok {
		return p.deeper(ctx, col, s, b.low, rows)
	}
	left, right := s, s
	left.to, right.from, right.beyond = c.literal(col), c.literal(col), false
	if err := p.split(ctx, col, left, bracket{b.low, c.below}, c.left, depth-1); err != nil {
		return err
	}
	return p.split(ctx, col, right, bracket{c.text, b.high}, c.right, depth-1)
}

// deeper splits the rows of one value by the next column, because the span has no second
// value, or none was found.
func (p *planner) deeper(ctx context.Context, col *schema.Column, s span, value string, rows int64) error {
	literal := string(col.AppendValue(nil, []byte(value)))
	same := span{before: append(slices.Clone(s.before), literal)}
	held, err := p.estimate(ctx, same)
	if err != nil {
		return err
	}
	if p.column(same) == nil || held <= p.rows+p.rows/2 || s.beyond && s.from == literal {
		p.add(s, rows)
		return nil
	}
	if s.from != literal {
		below := s
		below.to = literal
		p.add(below, 0)
	}
	if err := p.cut(ctx, same, min(held, rows)); err != nil {
		return err
	}
	above := s
	above.from, above.beyond = literal, true
	p.add(above, max(0, rows-held))
	return nil
}

// cutting is a split point of a span, and the estimated number of rows on each side.
type cutting struct {
	text        string
	below       string // no key on the left is above it
	left, right int64
}

func (c cutting) literal(col *schema.Column) string {
	return string(col.AppendValue(nil, []byte(c.text)))
}

// looks is the number of points tried for one split.
const looks = 40

// middle finds the split point of a span. Evenly spaced numbers are split in the middle at
// once; for others an existing value is used, because only the server knows their order.
func (p *planner) middle(
	ctx context.Context,
	col *schema.Column,
	s span,
	b bracket,
	rows int64,
) (c cutting, ok bool, err error) {
	m := measureOf(col)
	for range looks {
		at, below, ok := m.between(b.low, b.high)
		if !ok {
			break
		}
		if c.text, c.below = at, below; !m.exact {
			if c.text, err = p.first(ctx, col, s, at); err != nil {
				return c, false, err
			}
			switch c.below = c.text; {
			case c.text == "":
				b.high = at
				continue
			case !m.literal(c.text):
				c.text, c.below = at, at
			}
		}
		if err := p.weigh(ctx, col, s, &c, rows); err != nil {
			return c, false, err
		}
		switch {
		case m.exact:
			return c, true, nil
		case c.left < p.rows/2:
			b.low = at
		case c.right < p.rows/2:
			b.high = at
		default:
			return c, true, nil
		}
	}
	return c, false, nil
}

// first is the first key of a span from a value on, other than the span's own first.
func (p *planner) first(ctx context.Context, col *schema.Column, s span, from string) (string, error) {
	literal := string(col.AppendValue(nil, []byte(from)))
	and := " AND " + schema.Ident(col.Name) + " >= " + literal
	if s.from != "" {
		and += " AND " + schema.Ident(col.Name) + " > " + s.from
	}
	row, err := p.ask(ctx, s, "SELECT "+col.Expr(), and+" ORDER BY "+schema.Ident(col.Name)+" LIMIT 1")
	if err != nil || len(row) == 0 {
		return "", err
	}
	return row[0], nil
}

// weigh estimates the rows on both sides of a split.
func (p *planner) weigh(ctx context.Context, col *schema.Column, s span, c *cutting, rows int64) (err error) {
	left, right := s, s
	left.to, right.from, right.beyond = c.literal(col), c.literal(col), false
	if c.left, err = p.estimate(ctx, left); err != nil {
		return err
	}
	c.right = rows - c.left
	if c.left >= rows { // the server may say so of a part that it would scan completely
		c.left = rows
		c.right, err = p.estimate(ctx, right)
		c.right = min(c.right, rows)
	}
	return err
}

// ask reads the first row of a query over the keys of a span.
func (p *planner) ask(ctx context.Context, s span, what, rest string) ([]string, error) {
	where := s.condition(p.t)
	if where == "" {
		where = "1"
	}
	rows, err := schema.All(ctx, p.c, what+" FROM "+p.t.SQLName()+" FORCE INDEX (`PRIMARY`) WHERE "+where+rest)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// estimate asks the server for the expected number of rows in a span. The server reads the
// index for it, but no rows.
func (p *planner) estimate(ctx context.Context, s span) (int64, error) {
	rows, err := p.c.QueryContext(
		ctx,
		fmt.Sprintf(
			"EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM %s USE INDEX (`PRIMARY`) WHERE %s",
			p.t.SQLName(),
			s.condition(p.t),
		),
	)
	if err != nil {
		return 0, fmt.Errorf("estimate rows: %w", err)
	}
	all, err := schema.ByName(rows)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, row := range all {
		n, _ = strconv.ParseInt(row["rows"], 10, 64)
	}
	return n, nil
}
