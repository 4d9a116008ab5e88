package dump

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// writer converts the rows of a chunk to members of INSERT statements.
type writer struct {
	d        *dumper
	c        *chunk
	buf      []byte
	insert   []byte // INSERT INTO `t` (`a`,`b`) VALUES
	started  int    // start of the open statement in buf; -1 if none is open
	keys     []int  // indexes of the key's columns in a row; nil if rows are not in key order
	from     string // first key of the member
	member   int64  // rows in the member
	ticked   int    // bytes of buf already reported to the gate
	reported int64  // rows already reported to the gate

	json []jsonColumn // MySQL's JSON columns

	rows, bytes int64
	sum         checksum.Sum
}

// readChunk reads one chunk over conn and passes its members on to be written.
func (d *dumper) readChunk(ctx context.Context, conn *sql.Conn, c *chunk) error {
	w := &writer{d: d, c: c, started: -1, from: c.from, insert: insertHead(c)}
	if c.ordered {
		w.keys = keyPlaces(c)
	}
	w.json = jsonColumns(c)
	defer func() { d.free(w.buf) }()
	if err := d.names.started(ctx, conn, c); err != nil {
		return err
	}
	if err := w.read(ctx, conn); err != nil {
		return err
	}
	if err := w.ship(ctx, c.to); err != nil {
		return err
	}
	d.finishChunk(w)
	if err := d.names.finished(ctx, conn); err != nil {
		return err
	}
	return execute(ctx, conn, "ROLLBACK TO SAVEPOINT "+savepoint)
}

// read reads the rows, those with types of JSON values from the first one on that needs it.
func (w *writer) read(ctx context.Context, conn *sql.Conn) error {
	doubtful, err := w.readPlain(ctx, conn)
	if err == nil && doubtful {
		err = w.readTyped(ctx, conn)
	}
	if err != nil {
		return fmt.Errorf("read %s after %d rows: %w", w.c.t.SQLName(), w.rows, err)
	}
	return nil
}

// readPlain reads the rows until one may hold a JSON value whose type its text does not
// show; then it leaves that row and all after it.
func (w *writer) readPlain(ctx context.Context, conn *sql.Conn) (doubtful bool, err error) {
	if w.typed() {
		return true, nil
	}
	s, err := rowread.Query(ctx, conn, w.c.columns, w.c.rest())
	if err != nil {
		return false, err
	}
	defer s.Close()
	for s.Next() {
		if doubtful = doubtful || w.doubtful(s.Row()); doubtful {
			continue // to the end: the connection is needed again
		}
		if err := w.add(ctx, s.Row()); err != nil {
			return false, err
		}
	}
	return doubtful, s.Err()
}

func insertHead(c *chunk) []byte {
	names := make([]string, len(c.columns))
	for i, col := range c.columns {
		names[i] = col.Name
	}
	return []byte("INSERT INTO " + schema.Ident(c.t.Name) + " (" + schema.Idents(names) + ") VALUES\n")
}

func keyPlaces(c *chunk) []int {
	var places []int
	for _, k := range c.t.Key {
		for i, col := range c.columns {
			if col.Name == k {
				places = append(places, i)
			}
		}
	}
	if len(places) != len(c.t.Key) {
		return nil // a generated column is part of the key
	}
	return places
}

var errShortRow = errors.New("a row ends before its last column")

// add writes one row. Its statement ends before it would exceed statementBytes, its member
// before memberBytes, unless the single row does.
func (w *writer) add(ctx context.Context, row []byte) error {
	most := 2*len(row) + 8*len(w.c.columns) // hex doubles the size; every other form grows less
	if w.member > 0 && len(w.buf)+most > memberBytes {
		next := w.keyOf(row)
		if err := w.ship(ctx, next); err != nil {
			return err
		}
		w.from = next
	}
	if w.buf == nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	switch {
	case w.started < 0:
		w.openStatement()
	case len(w.buf)-w.started+most > statementBytes:
		w.closeStatement()
		w.openStatement()
	default:
		w.buf = append(w.buf, ",\n"...)
	}
	if err := w.values(row); err != nil {
		return err
	}
	w.sum.Add(checksum.Row(row))
	w.rows++
	w.member++
	if len(w.buf)-w.ticked >= tickBytes {
		return w.tick(ctx)
	}
	return nil
}

// tickBytes is the amount of text between two calls of throttle and progress.
const tickBytes = 64 << 10

func (w *writer) tick(ctx context.Context) error {
	bytes := len(w.buf) - w.ticked
	rows := w.rows - w.reported
	w.ticked = len(w.buf)
	w.reported = w.rows
	return w.d.gate.pass(ctx, w.c.t, int64(bytes), rows)
}

func (w *writer) begin(ctx context.Context) (err error) {
	if w.buf, err = w.d.buffer(ctx); err != nil {
		return err
	}
	if w.c.t.history {
		w.buf = append(w.buf, "SET @@session.system_versioning_insert_history = 1;\n"...)
	}
	return nil
}

func (w *writer) openStatement() {
	w.started = len(w.buf)
	w.buf = append(w.buf, w.insert...)
}

func (w *writer) closeStatement() {
	w.buf = append(w.buf, ";\n"...)
	w.started = -1
}

// values appends a row as (a,b,…).
func (w *writer) values(row []byte) error {
	buf := append(w.buf, '(')
	columns := w.c.columns
	for i := range columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return errShortRow
		}
		row = rest
		if i > 0 {
			buf = append(buf, ',')
		}
		switch {
		case null:
			buf = append(buf, "NULL"...)
		case columns[i].Form == schema.FormText:
			buf = schema.AppendString(buf, text)
		case columns[i].Form == schema.FormNumber:
			buf = append(buf, text...)
		case columns[i].Form == schema.FormJSON:
			buf = columns[i].AppendJSON(buf, text, w.stringsOf(i))
		default:
			buf = columns[i].AppendValue(buf, text)
		}
	}
	w.buf = append(buf, ')')
	return nil
}

// keyOf is a row's key as SQL literals; "" if rows are not in key order.
func (w *writer) keyOf(row []byte) string {
	if w.keys == nil {
		return ""
	}
	literals := make([][]byte, len(w.c.columns))
	for i := range w.c.columns {
		text, rest, _, ok := rowread.Value(row)
		if !ok {
			return ""
		}
		row, literals[i] = rest, w.c.columns[i].AppendValue(nil, text)
	}
	key := literals[w.keys[0]]
	for _, place := range w.keys[1:] {
		key = append(append(key, ','), literals[place]...)
	}
	return string(key)
}

// ship ends the member and passes it on. to is the first key of the next member.
func (w *writer) ship(ctx context.Context, to string) error {
	if w.member == 0 {
		return nil
	}
	w.closeStatement()
	if w.c.t.history {
		w.buf = append(w.buf, "SET @@session.system_versioning_insert_history = 0;\n"...)
	}
	if err := w.tick(ctx); err != nil {
		return err
	}
	m := backup.Member{Kind: backup.MemberRows, Database: w.d.named(w.c.t.Database), Object: w.c.t.Name, Rows: w.member}
	if w.keys != nil {
		m.KeyFrom, m.KeyTo = w.from, to
	}
	w.bytes += int64(len(w.buf))
	buf := w.buf
	w.buf = nil
	w.member = 0
	w.ticked = 0
	return w.d.submit(ctx, m, buf)
}
