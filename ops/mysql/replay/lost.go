package replay

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Lost sums up what a restore to a moment loses in a database, other than the transaction
// that the restore must undo: the final state of each row. It writes a file for each table to dir
// that brings its rows to that state. unknown lists tables whose rows cannot be
// identified or whose definition has changed since.
func Lost(
	ctx context.Context,
	log *changes.Source,
	q schema.Querier,
	r *restore.Replay,
	database string,
	tables []string,
	dir string,
) (files, unknown []string, err error) {
	run, err := log.At(r.From, r.Done)
	if err != nil {
		return nil, nil, err
	}
	l := lost{ctx: ctx, q: q, database: database, only: tables, known: map[string]*lostTable{}}
	skip := false
	err = run.Each(ctx, r.To, func(binlog.Place, *format.Format) error { return nil }, func(i *format.Item) error {
		switch i.What {
		case format.Begin:
			skip = r.Asked.Before != "" && i.Group.File == r.To.File && i.Group.Pos == r.To.Pos
		case format.Change:
			if !skip && i.Rows.Map.Schema == database {
				return l.change(i.Rows)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, binarchive.ErrEnough) {
		return nil, nil, err
	}
	return l.write(dir)
}

type lost struct {
	ctx      context.Context
	q        schema.Querier
	database string
	only     []string
	known    map[string]*lostTable
	order    []string
	names    LostNames
}

// lostTable is a current table and the final state of its rows; now is nil if the rows
// cannot be identified.
type lostTable struct {
	now *schema.Table
	key []int
	net binlog.Net
}

func (l *lost) change(rows *format.Rows) error {
	name := rows.Map.Name
	if len(l.only) > 0 && !slices.Contains(l.only, name) {
		return nil
	}
	t, err := l.table(name)
	if err != nil || t.now == nil {
		return err
	}
	logged := rows.Map.Table
	logged.Columns = slices.Clone(logged.Columns)
	if format.Know(&logged, t.now) != nil {
		t.now = nil // its definition has changed since
		return nil
	}
	err = rows.Each(func(c binlog.RowChange) error {
		c.Before, c.After = format.Seen(&logged, c.Before), format.Seen(&logged, c.After)
		for _, image := range [][]binlog.Value{c.Before, c.After} {
			for i := range image {
				image[i] = format.Reread(image[i], logged.Columns[i], t.now.Columns[i])
			}
		}
		c.Table = &logged
		c.Before, c.After = format.Current(t.now, c.Before), format.Current(t.now, c.After)
		if c.Before == nil && c.After == nil {
			return nil
		}
		return t.net.Add(c, t.key)
	})
	if errors.Is(err, binlog.ErrPartial) {
		t.now, err = nil, nil
	}
	return err
}

func (l *lost) table(name string) (*lostTable, error) {
	if t := l.known[name]; t != nil {
		return t, nil
	}
	t := &lostTable{}
	l.known[name], l.order = t, append(l.order, name)
	found, err := schema.Tables(l.ctx, l.q, l.database, name)
	var none *schema.NoTableError
	if errors.As(err, &none) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if found[0].Sequence || found[0].KeyUnique != "PRIMARY" {
		return t, nil
	}
	t.now = found[0]
	for _, k := range t.now.CurrentKey() {
		t.key = append(t.key, slices.IndexFunc(t.now.Columns, func(c schema.Column) bool { return c.Name == k }))
	}
	return t, nil
}

func (l *lost) write(dir string) (files, unknown []string, err error) {
	for _, name := range l.order {
		t := l.known[name]
		if t.now == nil {
			unknown = append(unknown, name)
			continue
		}
		rows := t.net.Rows()
		slices.Reverse(rows) // oldest change first
		rows = slices.DeleteFunc(rows, func(r binlog.NetRow) bool { return r.Before == nil && r.After == nil })
		if len(rows) == 0 {
			continue
		}
		path := filepath.Join(dir, l.names.Of(name))
		if err := t.write(path, rows); err != nil {
			return files, unknown, err
		}
		files = append(files, path)
	}
	return files, unknown, nil
}

func (t *lostTable) write(path string, rows []binlog.NetRow) error {
	f, err := CreateLost(path, "the final state of the rows that the log changes after the restored moment")
	if err != nil {
		return err
	}
	defer f.Abort()
	for _, r := range rows {
		if r.Before != nil {
			f.Delete(t.remove(r.Before))
		}
		if r.After == nil {
			continue
		}
		if err := f.Insert([]byte(t.insert(r.After))); err != nil {
			return err
		}
	}
	return f.Commit()
}

// remove deletes a row by its key. The table's name is without its database.
func (t *lostTable) remove(row []binlog.Value) string {
	var where []string
	for _, i := range t.key {
		col := t.now.Columns[i]
		where = append(where, schema.Ident(col.Name)+" = "+format.Literal(col, row[i]))
	}
	return "DELETE FROM " + schema.Ident(t.now.Name) + " WHERE " + strings.Join(where, " AND ")
}

func (t *lostTable) insert(row []binlog.Value) string {
	var names, values []string
	for i, v := range row {
		col := t.now.Columns[i]
		if v.Absent || col.Generated || col.Period {
			continue
		}
		names = append(names, schema.Ident(col.Name))
		values = append(values, format.Literal(col, v))
	}
	return "INSERT INTO " + schema.Ident(t.now.Name) + " (" + strings.Join(names, ", ") + ") VALUES (" +
		strings.Join(values, ", ") + ");\n"
}
