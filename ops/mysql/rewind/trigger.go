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

// firing carries a plan out where triggers fire.
type firing struct{ *Plan }

// findTriggers finds the tables whose triggers would fire, by what is done to them.
func (p firing) findTriggers(ctx context.Context, c *sql.Conn) error {
	done := map[string]map[binlog.Verb]bool{}
	err := p.Each(func(r *Row) error {
		verb, do := r.action(Overwrite)
		if done[r.Table] == nil {
			done[r.Table] = map[binlog.Verb]bool{}
		}
		done[r.Table][verb] = done[r.Table][verb] || do
		return nil
	})
	if err != nil {
		return err
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
	if len(p.Triggers) > 0 && len(p.Bare) > 0 { // what a trigger writes could not be told from the rows
		return noKey(p.tables[p.Bare[0]])
	}
	return p.findGrown(ctx, c, texts)
}

// findGrown finds the tables with counted keys that some triggers name.
func (p firing) findGrown(ctx context.Context, c *sql.Conn, texts []string) error {
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
func (p firing) measure(ctx context.Context, tx *sql.Tx) (err error) {
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
func (p firing) settle(ctx context.Context, tx *sql.Tx, choice Choice, done *Done) error {
	for round := 0; ; round++ {
		wrote, err := p.write(ctx, tx, choice, round > 0, done)
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
	}
}

// wanted is a row by the key that it has when the plan is carried out.
func (r *Row) wanted() *Row {
	if r.Before == nil {
		return &Row{NetRow: binlog.NetRow{Table: r.Table, After: r.After}}
	}
	return &Row{NetRow: binlog.NetRow{Table: r.Table, Before: r.Before, After: r.Before}}
}

// write makes the chosen rows what they are to become, from what they are at that moment;
// wrote tells that one was not. again tells that they were written before.
func (p firing) write(
	ctx context.Context,
	tx *sql.Tx,
	choice Choice,
	again bool,
	done *Done,
) (wrote bool, err error) {
	told := p.begin("rows", int64(len(p.rows)))
	var some []*Row
	flush := func() error {
		rows := some
		some = some[:0]
		if len(rows) == 0 {
			return nil
		}
		told.add(len(rows))
		did, err := p.writeSome(ctx, tx, rows, done)
		wrote = wrote || did
		return err
	}
	err = p.Each(func(r *Row) error {
		if _, do := r.action(choice); !do {
			return nil
		}
		if len(some) > 0 && (some[0].Table != r.Table || len(some) == batchRows) {
			if err := flush(); err != nil {
				return err
			}
		}
		if again {
			r = r.wanted()
		}
		some = append(some, &Row{NetRow: r.NetRow})
		return nil
	})
	if err == nil {
		err = flush()
	}
	return wrote, err
}

// writeSome writes rows of one table.
func (p firing) writeSome(ctx context.Context, tx *sql.Tx, rows []*Row, done *Done) (wrote bool, err error) {
	t := p.tables[rows[0].Table]
	if err := t.compare(ctx, tx, rows, " FOR UPDATE"); err != nil {
		return false, err
	}
	j := joiner{take: func(b *batch) error {
		wrote = true
		if err := b.run(ctx, tx, b.sql(), p.packet, done); err != nil {
			return refused(b.verb, b.table, err)
		}
		return nil
	}}
	for _, r := range rows {
		if r.done(t) {
			continue
		}
		r.State = binlog.Changed // what is done with it goes by what is there
		if verb, do := r.action(Overwrite); do {
			if err := j.add(t, verb, r); err != nil {
				return wrote, err
			}
		}
	}
	return wrote, j.end()
}

// done tells whether a row is already in its wanted state.
func (r *Row) done(t *table) bool {
	if r.Before == nil || r.Now == nil {
		return r.Before == nil && r.Now == nil
	}
	return !t.differ(r.Before, r.Now, t.stored)
}

// difference names the row and the column that did not come out as planned.
func (t *table) difference(r *Row) string {
	name := t.SQLName() + fmt.Sprintf(" %q", t.keyOf(r.there()))
	if r.Before == nil || r.Now == nil {
		return name
	}
	for _, i := range t.stored {
		if !t.same(i, r.Before[i], r.Now[i]) {
			return name + " " + t.Columns[i].Name
		}
	}
	return name
}

// sweep removes rows that triggers added under keys that the server counted. The
// transaction reads as of its beginning: what it sees beyond is its own.
func (p firing) sweep(ctx context.Context, tx *sql.Tx, choice Choice) (swept bool, err error) {
	for _, g := range p.grown {
		kept, err := p.keysOf(g.of, choice)
		if err != nil {
			return swept, err
		}
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
func (p firing) keysOf(name string, choice Choice) (keys map[string]bool, err error) {
	keys = map[string]bool{}
	t := p.tables[name]
	if t == nil || t.bare || len(t.key) != 1 {
		return keys, nil
	}
	err = p.ofTable(t, func(_ int, r *Row) {
		if _, do := r.action(choice); do && r.Before != nil {
			keys[string(r.Before[t.key[0]].Text)] = true
		}
	})
	return keys, err
}
