package rowread

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// plainSource reads through database/sql.
type plainSource struct {
	rows   *sql.Rows
	floats []bool
	values []sql.RawBytes
	ptrs   []any
	row    []byte
}

func newPlainSource(ctx context.Context, c *sql.Conn, query string, columns []schema.Column) (source, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	n := len(columns)
	p := &plainSource{rows: rows, floats: make([]bool, n), values: make([]sql.RawBytes, n), ptrs: make([]any, n)}
	for i := range p.values {
		p.ptrs[i], p.floats[i] = &p.values[i], columns[i].Form == schema.FormFloat
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
	for i, v := range p.values {
		if v == nil {
			p.row = append(p.row, 0xfb)
			continue
		}
		if p.floats[i] {
			f, err := strconv.ParseFloat(string(v), 64)
			if err != nil {
				return nil, err
			}
			v = appendDouble(nil, f)
		}
		p.row = append(appendLength(p.row, len(v)), v...)
	}
	return p.row, nil
}

func (p *plainSource) close() error { return p.rows.Close() }

// appendDouble writes a number as the server's text protocol does: the fewest
// digits that give it back, with an exponent where the point would be more than
// 15 digits away (my_gcvt in strings/dtoa.cc).
func appendDouble(dst []byte, f float64) []byte {
	text := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	digits := strings.Replace(mantissa, ".", "", 1)
	n, _ := strconv.Atoi(exponent)
	point := n + 1 // digits before the decimal point
	dst = append(dst, sign...)
	switch {
	case f == 0:
		return append(dst, '0')
	case point < -14 || point > 15:
		return strconv.AppendInt(append(append(dst, mantissa...), 'e'), int64(n), 10)
	case point <= 0:
		return append(append(append(dst, "0."...), strings.Repeat("0", -point)...), digits...)
	case point >= len(digits):
		return append(append(dst, digits...), strings.Repeat("0", point-len(digits))...)
	}
	return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
}
