package rowread

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// Stream is the rows of one SELECT. While one is open its connection must not
// be used for anything else. Always look at Err after the last Next: a query
// that was killed ends like one that is done.
type Stream struct {
	source
	row []byte
	err error
}

type source interface {
	// next returns the payload of the next row, valid until the call after;
	// nil at the end.
	next() ([]byte, error)
	close() error
}

// Query selects columns, by their canonical expressions, with what follows
// (FROM …). The end of ctx ends the stream with its error.
//
// With no columns, as of a table of computed ones alone, each row is the text 1.
func Query(ctx context.Context, c *sql.Conn, columns []schema.Column, rest string) (*Stream, error) {
	if len(columns) == 0 {
		columns = make([]schema.Column, 1)
		rest = "1 " + rest
	}
	var w *wire
	err := c.Raw(func(dc any) error {
		if own, ok := dc.(*conn); ok && own.wire.plain() {
			w = own.wire
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var s source
	if w != nil {
		s, err = newWireSource(ctx, w, Select(columns, false, rest), len(columns))
	} else {
		s, err = newPlainSource(ctx, c, Select(columns, true, rest), columns)
	}
	if err != nil {
		return nil, err
	}
	return &Stream{source: s}, nil
}

// Select writes the statement. With asText exact numbers are made text on the
// server, as its text protocol would write them, so that the driver leaves them
// alone. A DOUBLE made text there would lose its last digit.
func Select(columns []schema.Column, asText bool, rest string) string {
	var b strings.Builder
	b.WriteString("SELECT /*!40001 SQL_NO_CACHE */ ")
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		if c.Name == "" { // none: what follows says it
			continue
		}
		if asText && c.Form == schema.FormNumber {
			fmt.Fprintf(&b, "CAST(%s AS CHAR)", c.Expr())
		} else {
			b.WriteString(c.Expr())
		}
	}
	b.WriteByte(' ')
	b.WriteString(rest)
	return b.String()
}

// Next moves to the next row; false at the end and on an error.
func (s *Stream) Next() bool {
	if s.err != nil {
		return false
	}
	s.row, s.err = s.next()
	return s.row != nil && s.err == nil
}

// Row is the current row's canonical text, valid until Next. Value takes it apart.
func (s *Stream) Row() []byte { return s.row }

// Err is what ended the stream early, or nil.
func (s *Stream) Err() error { return s.err }

// Close ends the stream. A stream that is not at its end takes its connection
// with it.
func (s *Stream) Close() error { return s.close() }

// Value takes the next value off a row: its text, nil for NULL, and the rest of
// the row. ok is false for a row that ends early.
func Value(row []byte) (text, rest []byte, null, ok bool) {
	if len(row) == 0 {
		return nil, nil, false, false
	}
	n := uint64(row[0])
	size := 1
	switch row[0] {
	case 0xfb:
		return nil, row[1:], true, true
	case 0xfc:
		size = 3
	case 0xfd:
		size = 4
	case 0xfe:
		size = 9
	}
	if size > 1 {
		if len(row) < size {
			return nil, nil, false, false
		}
		n = 0
		for i := size - 1; i > 0; i-- {
			n = n<<8 | uint64(row[i])
		}
	}
	if uint64(len(row)-size) < n {
		return nil, nil, false, false
	}
	end := size + int(n)
	return row[size:end:end], row[end:], false, true
}

// appendLength appends a length-encoded integer.
func appendLength(dst []byte, n int) []byte {
	switch {
	case n < 0xfb:
		return append(dst, byte(n))
	case n <= 0xffff:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n <= 0xffffff:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return append(
		dst,
		0xfe,
		byte(n),
		byte(n>>8),
		byte(n>>16),
		byte(n>>24),
		byte(n>>32),
		byte(n>>40),
		byte(n>>48),
		byte(n>>56),
	)
}
