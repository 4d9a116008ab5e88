package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// plain replays rows as INSERT, UPDATE and DELETE, for a user who may not use the server's
// BINLOG statement. Tables with triggers are refused, because triggers would fire again.
type plain struct {
	on       bool
	tables   map[string]*schema.Table
	triggers map[string]bool
	ready    bool // the session has the settings that rows need
	foreign  bool // the session checks foreign keys
}

// forget drops the cached tables: a definition may change them.
func (p *plain) forget() { p.tables, p.triggers = nil, nil }

// rowsAsStatements converts a rows event to statements.
func (r *runner) rowsAsStatements(rows *format.Rows) (all []string, err error) {
	t, err := r.plainTable(rows.Map.Name)
	if err != nil {
		return nil, err
	}
	if rows.InPart() {
		return nil, inPart(rows.Map.Name, &r.server)
	}
	logged := rows.Map.Table
	logged.Columns = slices.Clone(logged.Columns)
	if !t.Sequence {
		if err := format.Know(&logged, t); err != nil {
			return nil, err
		}
	}
	w := writer{table: t, logged: &logged, most: r.server.batch}
	err = rows.Each(func(c binlog.RowChange) error { return w.add(c) })
	w.flush()
	return w.out, err
}

// inPart refuses partial rows: only the server knows the missing part.
func inPart(table string, s *server) error {
	return ops.E(ops.Config, lang.M("the binlog holds only parts of the JSON documents of table %s (PARTIAL_JSON with "+
		"MINIMAL row images), which can only be written with the BINLOG statement", table)).
		WithHint(lang.Raw(s.grant()))
}

// plainTable is the current definition of a table in the target database.
func (r *runner) plainTable(name string) (*schema.Table, error) {
	p := &r.plain
	if p.tables == nil {
		p.tables, p.triggers = map[string]*schema.Table{}, map[string]bool{}
		rows, err := schema.All(r.ctx, r.note, "SELECT DISTINCT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS "+
			"WHERE EVENT_OBJECT_SCHEMA = ?", r.Schema)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			p.triggers[row[0]] = true
		}
	}
	if p.triggers[name] {
		return nil, ops.E(ops.Config,
			lang.M("the table %s has triggers, which would fire again for the rows of the log",
				name)).WithHint(lang.Raw(r.server.grant()))
	}
	if t := p.tables[name]; t != nil {
		return t, nil
	}
	found, err := schema.Tables(r.ctx, r.note, r.Schema, name)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found[0].Columns, func(c schema.Column) bool { return c.Period }) {
		return nil, ops.E(ops.Config, lang.M("the table %s keeps its history, which can only be written with the "+
			"BINLOG statement",
			name)).WithHint(lang.Raw(r.server.grant()))
	}
	p.tables[name] = found[0]
	return found[0], nil
}

// plainSession sets the session variables that rows need: a statement of the log may have
// changed them.
func (r *runner) plainSession(foreign bool) error {
	p := &r.plain
	if p.ready && p.foreign == foreign {
		return nil
	}
	for _, q := range []string{
		"SET NAMES utf8mb4",
		"SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
		fmt.Sprintf("SET SESSION foreign_key_checks = %d", bit(foreign)),
	} {
		if _, err := r.apply.ExecContext(r.ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	p.ready, p.foreign = true, foreign
	return nil
}

// writer converts row changes to statements.
type writer struct {
	table  *schema.Table
	logged *binlog.Table
	most   int
	out    []string
	open   strings.Builder // a multi-row statement that may grow
	head   string          // the start of that statement
}

func (w *writer) add(c binlog.RowChange) error {
	if !w.table.Sequence {
		c.Before, c.After = format.Seen(w.logged, c.Before), format.Seen(w.logged, c.After)
	}
	for _, image := range [][]binlog.Value{c.Before, c.After} {
		for i := range image {
			if !w.table.Sequence {
				image[i] = format.Reread(image[i], w.logged.Columns[i], w.table.Columns[i])
			}
		}
	}
	switch {
	case w.table.Sequence:
		return w.sequence(c.After)
	case c.Before == nil:
		w.insert(c.After)
		return nil
	case c.After == nil:
		w.single("DELETE FROM "+w.table.SQLName(), c.Before)
		return nil
	}
	var set []string
	for _, i := range w.stored(c.After) {
		col := w.table.Columns[i]
		set = append(set, schema.Ident(col.Name)+" = "+format.Literal(col, c.After[i]))
	}
	if len(set) == 0 {
		return errors.New("an update without an after image")
	}
	w.single("UPDATE "+w.table.SQLName()+" SET "+strings.Join(set, ", "), c.Before)
	return nil
}

// stored are the columns of an image that can be written.
func (w *writer) stored(image []binlog.Value) (at []int) {
	for i, v := range image {
		if !v.Absent && !w.table.Columns[i].Generated {
			at = append(at, i)
		}
	}
	return at
}

// single appends a statement for the one row of an image.
func (w *writer) single(do string, image []binlog.Value) {
	w.flush()
	w.out = append(w.out, do+" WHERE "+w.where(image)+" LIMIT 1")
}

// where identifies a row by its primary key, else by all values of the image.
func (w *writer) where(image []binlog.Value) string {
	var key, all []string
	for _, i := range w.stored(image) {
		col := w.table.Columns[i]
		all = append(all, format.Equals(col, image[i]))
		if w.table.KeyUnique == "PRIMARY" && slices.Contains(w.table.Key, col.Name) {
			key = append(key, schema.Ident(col.Name)+" = "+format.Literal(col, image[i]))
		}
	}
	if len(key) > 0 && len(key) == len(w.table.Key) {
		return strings.Join(key, " AND ")
	}
	return strings.Join(all, " AND ")
}

func (w *writer) insert(image []binlog.Value) {
	var names, values []string
	for _, i := range w.stored(image) {
		col := w.table.Columns[i]
		names = append(names, schema.Ident(col.Name))
		values = append(values, format.Literal(col, image[i]))
	}
	head := "INSERT INTO " + w.table.SQLName() + " (" + strings.Join(names, ", ") + ") VALUES "
	row := "(" + strings.Join(values, ", ") + ")"
	if head != w.head || w.open.Len()+len(row) > w.most {
		w.flush()
		w.head = head
		w.open.WriteString(head)
	} else {
		w.open.WriteString(", ")
	}
	w.open.WriteString(row)
}

// sequence sets a MariaDB sequence to the value of its row.
func (w *writer) sequence(image []binlog.Value) error {
	if len(image) == 0 || image[0].Absent {
		return errors.New("a sequence without its value")
	}
	w.out = append(w.out, fmt.Sprintf("DO SETVAL(%s, %s, 0)", w.table.SQLName(), image[0].Text))
	return nil
}

func (w *writer) flush() {
	if w.open.Len() > 0 {
		w.out = append(w.out, w.open.String())
		w.open.Reset()
	}
	w.head = ""
}
