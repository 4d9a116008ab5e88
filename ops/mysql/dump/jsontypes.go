package dump

import (
	"context"
	"database/sql"

	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// jsonColumn is a column of MySQL's JSON in a chunk.
//
// A DECIMAL that prints like a DOUBLE or an integer (1.5, 1) is not told from it: it comes
// back with the same text and value, and with another JSON_TYPE, as from mysqldump.
type jsonColumn struct {
	at      int                // index in the chunk's columns
	strings schema.JSONStrings // of the current row; nil: all quoted values are strings
}

func jsonColumns(c *chunk) (all []jsonColumn) {
	for i, col := range c.columns {
		if col.Form == schema.FormJSON {
			all = append(all, jsonColumn{at: i})
		}
	}
	return all
}

// typed tells whether the rows must be read with the types of their JSON values: another
// chunk's rows needed it, or the order of the rows is not fixed, so that no row can be
// found again.
func (w *writer) typed() bool { return len(w.json) > 0 && (!w.c.ordered || w.c.t.types.Load()) }

// doubtful tells whether a JSON value of a row may hold values of other types than it
// shows.
func (w *writer) doubtful(row []byte) bool {
	next := 0
	for i := 0; next < len(w.json); i++ {
		text, rest, _, ok := rowread.Value(row)
		if !ok {
			return false // add reports it
		}
		row = rest
		if i != w.json[next].at {
			continue
		}
		if schema.MayHoldTypes(text) {
			return true
		}
		next++
	}
	return false
}

// readTyped reads the rows from the first one on that was not added, each with the types
// of its JSON values.
func (w *writer) readTyped(ctx context.Context, conn *sql.Conn) error {
	w.c.t.types.Store(true)
	columns := append([]schema.Column(nil), w.c.columns...)
	for _, j := range w.json {
		columns = append(columns, w.c.columns[j.at].StringsOf())
	}
	s, err := rowread.Query(ctx, conn, columns, w.c.after(w.rows))
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Next() {
		row, err := w.takeTypes(s.Row())
		if err == nil {
			err = w.add(ctx, row)
		}
		if err != nil {
			return err
		}
	}
	return s.Err()
}

// takeTypes takes the types off the end of a row.
func (w *writer) takeTypes(all []byte) (row []byte, err error) {
	rest := all
	for range w.c.columns {
		_, after, _, ok := rowread.Value(rest)
		if !ok {
			return nil, errShortRow
		}
		rest = after
	}
	row = all[:len(all)-len(rest)]
	for i := range w.json {
		answer, after, null, ok := rowread.Value(rest)
		if !ok {
			return nil, errShortRow
		}
		rest, w.json[i].strings = after, nil
		if !null {
			w.json[i].strings = schema.ReadJSONStrings(answer)
		}
	}
	return row, nil
}

// stringsOf are the strings in a JSON value of the current row.
func (w *writer) stringsOf(column int) schema.JSONStrings {
	for _, j := range w.json {
		if j.at == column {
			return j.strings
		}
	}
	return nil
}
