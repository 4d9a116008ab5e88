package rowread

import (
	"context"
	"database/sql"
)

// plainSource reads through database/sql.
type plainSource struct {
	rows   *sql.Rows
	values []sql.RawBytes
	ptrs   []any
	row    []byte
}

func newPlainSource(ctx context.Context, c *sql.Conn, query string, columns int) (source, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p := &plainSource{rows: rows, values: make([]sql.RawBytes, columns), ptrs: make([]any, columns)}
	for i := range p.values {
		p.ptrs[i] = &p.values[i]
	}
	return p, nil
}

func (p *plainSource) next() ([]byte, error) {
	if !p.rows.Next() {
		return nil, p.rows.Err()
	}
	if err := p.rows.Scan(p.ptrs...); err != nil {
		return nil, err
	}
	p.row = p.row[:0]
	for _, v := range p.values {
		if v == nil {
			p.row = append(p.row, 0xfb)
			continue
		}
		p.row = append(appendLength(p.row, len(v)), v...)
	}
	return p.row, nil
}

func (p *plainSource) close() error { return p.rows.Close() }
