package dump

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// chunk is a part of a table's rows that one query reads.
type chunk struct {
	t        *table
	columns  []schema.Column
	from, to string // SQL literals of the key's first columns: from inclusive, to exclusive; "" is open
	within   string // the range as a condition
	ordered  bool   // rows are in primary key order
}

// condition is the WHERE clause, "" for none.
func (c *chunk) condition() string {
	var and []string
	if c.within != "" {
		and = append(and, c.within)
	}
	if c.t.where != "" {
		and = append(and, "("+c.t.where+")")
	}
	if len(and) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(and, " AND ")
}

// rest is the part of the SELECT after the columns.
func (c *chunk) rest() string {
	s := "FROM " + c.t.From(c.t.history) + c.condition()
	if c.ordered {
		s += " ORDER BY " + schema.Idents(c.t.Key)
	}
	return s
}

// after is rest without the first rows. The same snapshot gives ordered rows in the same
// order again.
func (c *chunk) after(rows int64) string {
	if rows == 0 {
		return c.rest()
	}
	return fmt.Sprintf("%s LIMIT 18446744073709551615 OFFSET %d", c.rest(), rows)
}

// byPrimary reports whether the rows are stored in primary key order.
func (t *table) byPrimary() bool {
	return t.KeyUnique == "PRIMARY" && t.Transactional() && !t.history
}

// noRows reports that a table has no rows of its own.
func (t *table) noRows() bool {
	return !t.OwnRows()
}

// planChunks splits a table into parts of about chunkBytes at existing key values.
// Together the parts cover every key and are open at both ends. A table that cannot or
// need not be split is one part.
func planChunks(ctx context.Context, c *sql.Conn, t *table) ([]chunk, error) {
	whole := chunk{t: t, columns: t.Stored(t.history), ordered: t.byPrimary()}
	parts := t.Bytes / chunkBytes
	if parts < 2 || !t.byPrimary() || t.where != "" {
		return []chunk{whole}, nil
	}
	p := planner{c: c, t: t, rows: max(1, t.Rows/parts), most: 8*int(parts) + 16}
	if err := p.cut(ctx, span{}, t.Rows); err != nil {
		return nil, fmt.Errorf("cut %s: %w", t.SQLName(), err)
	}
	var all []chunk
	for _, s := range p.spans {
		part := whole
		part.from, part.to, part.within = s.literal(s.from), s.literal(s.to), s.condition(t)
		all = append(all, part)
	}
	return all, nil
}
