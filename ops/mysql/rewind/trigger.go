package rewind

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// ErrTriggers says that what triggers do is in the way of the plan.
var ErrTriggers = errors.New("triggers change the rows of the plan again; nothing was done")

// rounds is how often the plan's rows are written while triggers change them.
const rounds = 4

// grown is a table that triggers name, with a key that the server counts.
type grown struct {
	name string // quoted, with its database
	key  string // quoted
	of   string // the table's own name
	most string // the greatest key before the run
}

// findTriggers finds the tables whose triggers would fire, by what is done to them.
func (p *Plan) findTriggers(ctx context.Context, c *sql.Conn) error {
	done := map[string]map[binlog.Verb]bool{}
	for i := range p.Rows {
		r := &p.Rows[i]
		verb, do := r.action(Overwrite)
		if done[r.Table] == nil {
			done[r.Table] = map[binlog.Verb]bool{}
		}
		done[r.Table][verb] = done[r.Table][verb] || do
	}
	triggers, err := schema.All(
		ctx,
		c,
		"SELECT EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_STATEMENT FROM information_schema.TRIGGERS "+
			"WHERE EVENT_OBJECT_SCHEMA = ?",
		p.Database,
	)
	if err != nil {
		return err
	}
	var texts []string
	p.Triggers = nil
	for _, r := range triggers {
		if done[r[0]][binlog.Verb(strings.ToLower(r[1]))] {
			p.Triggers = append(p.Triggers, r[0])
			texts = append(texts, r[2])
		}
	}
	slices.Sort(p.Triggers)
	p.Triggers = slices.Compact(p.Triggers)
	return p.findGrown(ctx, c, texts)
}

// findGrown finds the tables with counted keys that some triggers name.
func (p *Plan) findGrown(ctx context.Context, c *sql.Conn, texts []string) error {
	p.grown = nil
	if len(texts) == 0 {
		return nil
	}
	counted, err := schema.All(
		ctx,
		c,
		"SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND "+
			"EXTRA LIKE '%auto_increment%' AND COLUMN_KEY = 'PRI'",
		p.Database,
	)
	if err != nil {
		return err
	}
	for _, r := range counted {
		if slices.ContainsFunc(texts, func(text string) bool { return binlog.Mentions(text, r[0]) }) {
			p.grown = append(p.grown, grown{name: schema.Name(p.Database, r[0]), key: schema.Ident(r[1]), of: r[0]})
		}
	}
	return nil
}

// measure notes the greatest keys as the run begins, which is the moment that its
// transaction reads by.
func (p *Plan) measure(ctx context.Context, tx *sql.Tx) (err error) {
	for i := range p.grown {
		g := &p.grown[i]
		if g.most, err = schema.One(ctx, tx, "SELECT COALESCE(MAX("+g.key+"), 0) FROM "+g.name); err != nil {
			return err
		}
	}
	return nil
}

// settle carries the plan out where triggers fire: they change rows that the plan writes,
// and those are written until they are as planned.
func (p *Plan) settle(ctx context.Context, tx *sql.Tx, choice Choice, done *Done) error {
	rows := p.chosen(choice)
	for round := 0; ; round++ {
		wrote, err := p.write(ctx, tx, rows, done)
		if mysql.Number(err) == mysql.ErrDuplicateKey {
			return fmt.Errorf("%w: %w", ErrTriggers, err)
		}
		if err != nil {
			return err
		}
		swept, err := p.sweep(ctx, tx, choice)
		if err != nil || !wrote && !swept {
			return err
		}
		if round == rounds {
			return ErrTriggers
		}
		rows = p.wanted(choice, all)
	}
}

// chosen are the rows that the plan changes.
func (p *Plan) chosen(choice Choice) (rows []*Row) {
	for i := range p.Rows {
		if _, do := p.Rows[i].action(choice); do {
			rows = append(rows, &p.Rows[i])
		}
	}
	return rows
}

// wanted are the same rows by the key that they have when the plan is carried out, of those
// that which takes.
func (p *Plan) wanted(choice Choice, which func(*Row) bool) (rows []*Row) {
	chosen := p.chosen(choice)
	kept := map[string]bool{}
	name := func(r *Row, image []binlog.Value) string {
		return r.Table + "\x00" + p.tables[r.Table].keyOf(image)
	}
	for _, r := range chosen {
		if r.Before != nil {
			kept[name(r, r.Before)] = true
		}
	}
	for _, r := range chosen {
		switch {
		case !which(r):
		case r.Before != nil:
			rows = append(rows, &Row{NetRow: binlog.NetRow{Table: r.Table, Before: r.Before, After: r.Before}})
		case !kept[name(r, r.After)]:
			rows = append(rows, &Row{NetRow: binlog.NetRow{Table: r.Table, After: r.After}})
		}
	}
	return rows
}

// write makes rows what they are to become, from what they are at that moment; wrote
// tells that one was not.
func (p *Plan) write(ctx context.Context, tx *sql.Tx, rows []*Row, done *Done) (wrote bool, err error) {
	for len(rows) > 0 {
		t := p.tables[rows[0].Table]
		n := 1
		for n < len(rows) && n < batchRows && rows[n].Table == t.Name {
			n++
		}
		now := &Plan{tables: p.tables, Rows: make([]Row, n)}
		part := make([]*Row, n)
		for i, r := range rows[:n] {
			now.Rows[i] = Row{NetRow: r.NetRow}
			part[i] = &now.Rows[i]
		}
		if err := t.compare(ctx, tx, part, " FOR UPDATE"); err != nil {
			return wrote, err
		}
		now.Rows = slices.DeleteFunc(now.Rows, func(r Row) bool { return r.done(t) })
		for i := range now.Rows {
			now.Rows[i].State = binlog.Changed // what is done with it goes by what is there
		}
		for _, b := range now.batches(Overwrite) {
			wrote = true
			if err := b.run(ctx, tx, b.sql(), done); err != nil {
				return wrote, refused(b.verb, b.table, err)
			}
		}
		rows = rows[n:]
	}
	return wrote, nil
}

// done tells whether a row is already in its wanted state.
func (r *Row) done(t *table) bool {
	if r.Before == nil || r.Now == nil {
		return r.Before == nil && r.Now == nil
	}
	return !t.differ(r.Before, r.Now, t.stored)
}

// sweep removes rows that triggers added under keys that the server counted. The
// transaction reads as of its beginning: what it sees beyond is its own.
func (p *Plan) sweep(ctx context.Context, tx *sql.Tx, choice Choice) (swept bool, err error) {
	for _, g := range p.grown {
		kept := p.keysOf(g.of, choice)
		rows, err := schema.All(ctx, tx, "SELECT "+g.key+" FROM "+g.name+" WHERE "+g.key+" > "+g.most)
		if err != nil {
			return swept, err
		}
		var added []string
		for _, r := range rows {
			if !kept[r[0]] {
				added = append(added, r[0])
			}
		}
		for some := range slices.Chunk(added, batchRows) {
			swept = true
			q := "DELETE FROM " + g.name + " WHERE " + g.key + " IN (" + strings.Join(some, ", ") + ")"
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return swept, fmt.Errorf("delete from %s: %w", g.name, err)
			}
		}
	}
	return swept, nil
}

// keysOf are the keys of a table, with a key of one column, that the plan's rows get.
func (p *Plan) keysOf(name string, choice Choice) map[string]bool {
	keys := map[string]bool{}
	t := p.tables[name]
	if t == nil || len(t.key) != 1 {
		return keys
	}
	for _, r := range p.chosen(choice) {
		if r.Table == name && r.Before != nil {
			keys[string(r.Before[t.key[0]].Text)] = true
		}
	}
	return keys
}
