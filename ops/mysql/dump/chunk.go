package dump

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// chunk is a part of a table's rows, read by one query.
type chunk struct {
	t        *table
	columns  []schema.Column
	from, to string // SQL literals of the first key column: from inclusive, to exclusive; "" is open
	ordered  bool   // rows come by the primary key
}

// condition is the WHERE clause, "" for none.
func (c *chunk) condition() string {
	var and []string
	if c.from != "" {
		and = append(and, schema.Ident(c.t.Key[0])+" >= "+c.from)
	}
	if c.to != "" {
		and = append(and, schema.Ident(c.t.Key[0])+" < "+c.to)
	}
	if c.t.where != "" {
		and = append(and, "("+c.t.where+")")
	}
	if len(and) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(and, " AND ")
}

// rest is what follows the columns in the SELECT.
func (c *chunk) rest() string {
	s := "FROM " + c.t.From(c.t.history) + c.condition()
	if c.ordered {
		s += " ORDER BY " + schema.Idents(c.t.Key)
	}
	return s
}

// byPrimary tells whether the rows lie in the primary key's order.
func (t *table) byPrimary() bool {
	return t.KeyUnique == "PRIMARY" && t.Transactional() && !t.history
}

// noRows tells that a table has no rows of its own.
func (t *table) noRows() bool {
	return t.Sequence || strings.EqualFold(t.Engine, "MRG_MyISAM") || strings.EqualFold(t.Engine, "BLACKHOLE")
}

// integerKey tells whether a table can be cut by its first key column.
func (t *table) integerKey() bool {
	if !t.byPrimary() {
		return false
	}
	switch c := t.Column(t.Key[0]); {
	case c == nil || c.Generated:
		return false
	default:
		switch c.DataType {
		case "tinyint", "smallint", "mediumint", "int", "bigint":
			return true
		}
	}
	return false
}

// planChunks cuts a table into parts of about chunkBytes by the values that are
// really there; the parts together cover every key, open at both ends. A table
// that cannot be cut, or needs not, is one part.
func planChunks(ctx context.Context, c *sql.Conn, t *table) ([]chunk, error) {
	whole := chunk{t: t, columns: t.Stored(t.history), ordered: t.byPrimary()}
	parts := t.Bytes / chunkBytes
	if parts < 2 || !t.integerKey() || t.where != "" {
		return []chunk{whole}, nil
	}
	low, high, ok, err := keyRange(ctx, c, t)
	if err != nil || !ok {
		return []chunk{whole}, err
	}
	p := planner{c: c, t: t, rows: max(1, t.Rows/parts)}
	if err := p.split(ctx, low, new(big.Int).Add(high, big.NewInt(1)), t.Rows, maxDepth); err != nil {
		return nil, err
	}
	return p.chunks(whole), nil
}

func keyRange(ctx context.Context, c *sql.Conn, t *table) (low, high *big.Int, ok bool, err error) {
	key := schema.Ident(t.Key[0])
	rows, err := schema.All(ctx, c, fmt.Sprintf("SELECT MIN(%s), MAX(%s) FROM %s", key, key, t.SQLName()))
	if err != nil {
		return nil, nil, false, fmt.Errorf("key range of %s: %w", t.SQLName(), err)
	}
	low, ok1 := new(big.Int).SetString(rows[0][0], 10)
	high, ok2 := new(big.Int).SetString(rows[0][1], 10)
	return low, high, ok1 && ok2, nil
}

// maxDepth bounds how often a range is halved: enough to find rows anywhere
// among 2^64 keys.
const maxDepth = 66

// planner finds the bounds between chunks.
type planner struct {
	c      *sql.Conn
	t      *table
	rows   int64 // wanted in a chunk
	bounds []string
	held   int64 // rows since the last bound
}

// split cuts [from, to), which holds about rows rows. Even keys are cut evenly
// at once; where the server's estimate of a half says that they are not even,
// the half is looked at on its own.
func (p *planner) split(ctx context.Context, from, to *big.Int, rows int64, depth int) error {
	width := new(big.Int).Sub(to, from)
	if rows <= p.rows+p.rows/2 || depth == 0 || width.Cmp(big.NewInt(2)) < 0 {
		p.add(to, rows)
		return nil
	}
	mid := new(big.Int).Add(from, new(big.Int).Rsh(width, 1))
	left, err := p.estimate(ctx, from, mid)
	if err != nil {
		return err
	}
	right := rows - left
	if left >= rows { // so it may say of a part that it would scan as a whole
		if right, err = p.estimate(ctx, mid, to); err != nil {
			return err
		}
		left = rows
	}
	if err := p.split(ctx, from, mid, left, depth-1); err != nil {
		return err
	}
	return p.split(ctx, mid, to, min(right, rows), depth-1)
}

// add ends a range at to; a bound is set once enough rows have gathered.
func (p *planner) add(to *big.Int, rows int64) {
	p.held += rows
	if p.held >= p.rows/2 {
		p.bounds = append(p.bounds, to.String())
		p.held = 0
	}
}

// estimate asks the server how many rows it expects in [from, to). It looks
// into the index for that but reads no rows.
func (p *planner) estimate(ctx context.Context, from, to *big.Int) (int64, error) {
	key := schema.Ident(p.t.Key[0])
	rows, err := p.c.QueryContext(ctx, fmt.Sprintf("EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM %s USE INDEX (PRIMARY) WHERE %s >= %s AND %s < %s", p.t.SQLName(), key, from, key, to))
	if err != nil {
		return 0, fmt.Errorf("estimate rows of %s: %w", p.t.SQLName(), err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, ptrs := make([]sql.NullString, len(names)), make([]any, len(names))
	var n int64
	for i := range values {
		ptrs[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return 0, err
		}
		for i, name := range names {
			if name == "rows" {
				n, _ = strconv.ParseInt(values[i].String, 10, 64)
			}
		}
	}
	return n, rows.Err()
}

// chunks are the parts between the bounds; the first and the last are open, so
// that no key can fall outside.
func (p *planner) chunks(whole chunk) []chunk {
	bounds := p.bounds
	if len(bounds) > 0 {
		bounds = bounds[:len(bounds)-1] // the last is the end
	}
	var all []chunk
	from := ""
	for _, b := range bounds {
		part := whole
		part.from, part.to = from, b
		all = append(all, part)
		from = b
	}
	whole.from = from
	return append(all, whole)
}
