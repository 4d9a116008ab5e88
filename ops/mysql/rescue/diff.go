package rescue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Diff compares the two tables and hands over each row that differs, in the
// order of the key. Only one row of each is held.
func (s *Session) Diff(ctx context.Context, each func(*restore.Difference) error) (n restore.RescueTally, err error) {
	b, err := s.read(ctx, s.backup, s.columns[0])
	if err != nil {
		return n, mysql.Explain(err, s.Target)
	}
	defer b.close()
	l, err := s.read(ctx, s.live, s.columns[1])
	if err != nil {
		return n, mysql.Explain(err, s.Target)
	}
	defer l.close()
	b.tick = s.ticker()
	t := &twins{s: s, each: each}
	defer t.close()
	if s.loose() {
		each = func(d *restore.Difference) error { return t.take(ctx, d) }
	}
	n, err = s.Common.Diff(b, l, each)
	n.Add(t.tally)
	if err == nil {
		return n, nil
	}
	var order *restore.RescueOrderError
	if errors.As(err, &order) {
		return n, ops.Wrap(
			err,
			ops.Failed,
			lang.M("the server does not sort the rows by their key: they cannot be compared"),
		)
	}
	return n, mysql.Explain(err, s.Target)
}

// ticker reports how many of the backup's rows were compared.
func (s *Session) ticker() func(int64) {
	begin := time.Now()
	return func(rows int64) {
		if s.Report != nil && rows&0x3fff == 0 {
			s.Report(
				ops.Progress{
					Phase:    "compare",
					Object:   s.Table,
					Done:     rows,
					Total:    s.backup.Rows,
					Unit:     "rows",
					Rows:     rows,
					Elapsed:  time.Since(begin),
					Estimate: true,
				},
			)
		}
	}
}

// reader is a table's rows in the order of the key.
type reader struct {
	conn   *sql.Conn
	stream *rowread.Stream
	values [][]byte
	rows   int64
	tick   func(int64)
	err    error
}

func (s *Session) read(ctx context.Context, t *schema.Table, columns []schema.Column) (*reader, error) {
	conn, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := rowread.Query(ctx, conn, columns, "FROM "+t.From(false)+" ORDER BY "+s.order(columns))
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &reader{conn: conn, stream: stream, values: make([][]byte, len(columns))}, nil
}

// session is a connection that reads canonical values, sorts by whole keys and
// may be kept waiting while rows are merged.
func (s *Session) session(ctx context.Context) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	err = checksum.Session(ctx, conn)
	if err == nil {
		const set = "SET SESSION max_sort_length = 16384, SESSION net_write_timeout = 3600, SESSION " +
			"net_read_timeout = 3600"
		_, err = conn.ExecContext(ctx, set)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// order sorts by the key as restore.RescueTable compares it: numbers by their
// value, text by its bytes, whatever its collation.
func (s *Session) order(columns []schema.Column) string {
	parts := make([]string, len(s.Common.Key))
	for n, i := range s.Common.Key {
		c := columns[i]
		switch c.Form {
		case schema.FormText:
			parts[n] = fmt.Sprintf("CAST(CONVERT(%s USING utf8mb4) AS BINARY)", schema.Ident(c.Name))
		case schema.FormBinary:
			parts[n] = schema.Ident(c.Name)
		default:
			parts[n] = c.Expr()
		}
	}
	return strings.Join(parts, ", ")
}

// Next moves to the next row.
func (r *reader) Next() bool {
	if r.err != nil || !r.stream.Next() {
		return false
	}
	r.rows++
	if r.tick != nil {
		r.tick(r.rows)
	}
	r.err = split(r.stream.Row(), r.values)
	return r.err == nil
}

// Values is the current row.
func (r *reader) Values() [][]byte { return r.values }

// Err is what ended the rows early.
func (r *reader) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.stream.Err()
}

func (r *reader) close() {
	r.stream.Close()
	r.conn.Close()
}

// split takes a row's canonical text apart.
func split(row []byte, values [][]byte) error {
	for i := range values {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return errors.New("a row ends early")
		}
		if values[i], row = text, rest; null {
			values[i] = nil
		}
	}
	return nil
}
