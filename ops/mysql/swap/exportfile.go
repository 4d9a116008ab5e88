package swap

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// export is one table's file; without a file, rows are only counted.
type export struct {
	file *replay.LostFile
	// exchange: other unique keys than the key itself may have changed places.
	exchange bool
	line     []byte
	err      error // of the last write
}

func (f *export) abort() {
	if f.file != nil {
		f.file.Abort()
	}
}

// sink writes the rows that a comparison finds. A row with a text key overwrites an
// existing row with that key, because the server may treat two texts as equal.
func (f *export) sink(t *schema.Table) rowSink {
	if f.file == nil {
		return nil
	}
	columns := t.Stored(false)
	text := false
	for _, k := range t.Key {
		c := t.Column(k)
		text = text || c == nil || c.Form != schema.FormNumber && c.Form != schema.FormBinary
	}
	return func(row []byte, changed bool) error {
		f.err = f.row(t, columns, row, changed || text)
		return f.err
	}
}

// row writes a row's INSERT. A changed row is removed first where another row may have had one
// of its unique values.
func (f *export) row(t *schema.Table, columns []schema.Column, row []byte, over bool) (err error) {
	if f.file == nil {
		return nil
	}
	if over && f.exchange {
		over = false
		where, err := keyCondition(t, columns, row)
		if err != nil {
			return err
		}
		f.file.Delete("DELETE FROM " + schema.Ident(t.Name) + " WHERE " + where)
	}
	head, tail := insert(t, columns, over)
	f.line = append(f.line[:0], head...)
	if f.line, err = appendRow(f.line, columns, row); err != nil {
		return err
	}
	f.line = append(f.line, tail...)
	return f.file.Insert(f.line)
}

// keyCondition is the condition for the key of a row.
func keyCondition(t *schema.Table, columns []schema.Column, row []byte) (string, error) {
	var out []string
	for _, c := range columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok || null && slices.Contains(t.Key, c.Name) {
			return "", errors.New("a row ends early, or has no key")
		}
		row = rest
		if slices.Contains(t.Key, c.Name) {
			out = append(out, schema.Ident(c.Name)+" = "+string(c.AppendValue(nil, text)))
		}
	}
	return strings.Join(out, " AND "), nil
}

func newExport(ctx context.Context, l *link, t *schema.Table, path string, since time.Time) (*export, error) {
	f := &export{}
	if len(t.Key) > 0 {
		db, err := l.db(ctx)
		if err != nil {
			return nil, err
		}
		others, err := schema.One(ctx, db, "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? "+
			"AND TABLE_NAME = ? AND NON_UNIQUE = 0 AND INDEX_NAME <> ?", t.Database, t.Name, t.KeyUnique)
		if err != nil {
			return nil, err
		}
		f.exchange = others != "0"
	}
	var err error
	f.file, err = replay.CreateLost(path, "rows newer than "+since.UTC().Format(time.RFC3339)+", without deletions")
	return f, err
}

// whole writes a table with its definition.
func (f *export) whole(ctx context.Context, c *sql.Conn, t *schema.Table, n *int64) error {
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return err
	}
	if f.file != nil {
		f.file.Define(create)
	}
	return f.rows(ctx, c, t, "FROM "+t.SQLName(), false, n)
}

// rows writes an INSERT for each row; for changed rows, one that overwrites the older
// state.
func (f *export) rows(ctx context.Context, c *sql.Conn, t *schema.Table, rest string, changed bool, n *int64) error {
	if rest == "" {
		return nil
	}
	columns := t.Stored(false)
	s, err := rowread.Query(ctx, c, columns, rest)
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Next() {
		if err := f.row(t, columns, s.Row(), changed); err != nil {
			return err
		}
		*n++
	}
	return s.Err()
}

// insert is the text before and after a row's values.
func insert(t *schema.Table, columns []schema.Column, changed bool) (head, tail string) {
	var names, sets []string
	for _, c := range columns {
		names = append(names, schema.Ident(c.Name))
		sets = append(sets, schema.Ident(c.Name)+" = VALUES("+schema.Ident(c.Name)+")")
	}
	head = "INSERT INTO " + schema.Ident(t.Name) + " (" + strings.Join(names, ", ") + ") VALUES ("
	if changed {
		return head, ") ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ") + ";\n"
	}
	return head, ");\n"
}

func appendRow(line []byte, columns []schema.Column, row []byte) ([]byte, error) {
	for i := range columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return nil, errors.New("a row ends early")
		}
		row = rest
		if i > 0 {
			line = append(line, ", "...)
		}
		if null {
			line = append(line, "NULL"...)
		} else {
			line = columns[i].AppendValue(line, text)
		}
	}
	return line, nil
}

func (f *export) end() error { return f.file.Commit() }
