package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// statement replays a logged query.
func (r *runner) statement(i *format.Item) error {
	d, refusal := r.judge.statement(i.Query)
	if (d.kind == rowsOf || d.kind == scratch) && !r.strayed {
		if err := seeStrays(r); err != nil {
			return err
		}
		d, refusal = r.judge.statement(i.Query)
	}
	if !refusal.Empty() {
		return ops.E(ops.Failed, refusal)
	}
	settings := r.group.context
	r.group.context = nil
	if !r.decided && undecided(i.Group) && d.kind != foreign && d.kind != definition {
		r.group.later = true
		return nil
	}
	switch d.kind {
	case definition:
		return r.define(i, d)
	case rowsOf:
		return r.rowsOf(i, d, settings)
	case scratch:
		return runAgain(r, i, d, settings)
	case control:
		r.group.partly = r.group.partly || d.back
		if err := r.spill(); err != nil {
			return err
		}
		if err := errors.Join(r.send(), r.start()); err != nil {
			return err
		}
		_, err := r.apply.ExecContext(r.ctx, d.sql)
		return err
	}
	return nil
}

// define replays a definition. Earlier changes are committed first, because a definition
// commits implicitly.
func (r *runner) define(i *format.Item, d decided) error {
	r.group.number++
	done := false
	if r.wait != nil && r.wait.At == r.group.from && r.wait.Number == r.group.number {
		now, err := r.fingerprint(d)
		if err != nil {
			return err
		}
		done = now != r.wait.Look
		if !done && !r.wait.Twice {
			return ErrAgain
		}
	} else if err := r.beforeDefinition(d); err != nil {
		return err
	}
	allTransactional(r, d.tables) // reads which tables are versioned, before they are altered
	if !done {
		if err := r.settle(i, nil); err != nil {
			return err
		}
		err := execute(r, i.Query, d.sql)
		if err = asThere(err, i.Query.ErrorCode); err != nil && !(r.wait != nil && wasDone(err)) {
			return err
		}
	}
	for _, t := range d.tables {
		if r.versioned[t] { // its history may have gone, which the rows counted include
			forget(r.state.Rows, t)
		}
	}
	d.effect.apply(r.state.Rows)
	r.state.Cascaded = d.effect.follow(r.state.Cascaded)
	r.cascades = nil
	r.state.Events = d.effect.applyEvents(r.state.Events)
	r.engines = nil
	r.plain.forget()
	r.joins.keys.forget()
	return nil
}

// beforeDefinition commits earlier changes and records the next step.
func (r *runner) beforeDefinition(d decided) error {
	// The position is the end of the previous group: the rows of this group, if any, follow
	// its definition.
	if err := r.settled(); err != nil {
		return err
	}
	look, err := r.fingerprint(d)
	if err != nil {
		return err
	}
	p := pending{At: r.group.from, Number: r.group.number, Look: look, Twice: twice(d)}
	return r.noteStep(p)
}

// twice reports whether a definition can be repeated if its object looks unchanged: then
// it either was not done or has no effect. An exchange of two identically defined tables
// cannot be detected.
func twice(d decided) bool {
	if len(d.effect.exchanged) > 0 {
		return false
	}
	for _, r := range d.effect.renamed {
		if !slices.ContainsFunc(d.effect.renamed, func(o [2]string) bool { return o[1] == r[0] }) {
			return true // the old name no longer exists after it
		}
	}
	return len(d.effect.renamed) == 0
}

// wasDone reports whether an error means that a definition was already done.
func wasDone(err error) bool {
	switch mysql.Number(err) {
	case 1050, 1051, 1060, 1061, 1091, 1304, 1305, 1359, 1360, 1537, 1539, 4092:
		return true
	}
	return false
}

// fingerprint covers the definitions of the tables that a statement affects.
func (r *runner) fingerprint(d decided) (string, error) {
	var all strings.Builder
	for _, t := range d.tables {
		rows, err := schema.All(r.ctx, r.note, "SHOW CREATE TABLE "+schema.Name(r.Schema, t))
		switch {
		case err == nil && len(rows) > 0 && len(rows[0]) > 1:
			fmt.Fprintf(&all, "%s\x00", rows[0][1])
		case mysql.Number(err) == 0 && err != nil:
			return "", err
		default:
			fmt.Fprintf(&all, "none\x00")
		}
	}
	return schema.Hash(all.String()), nil
}

// rowsOf replays a statement that changes rows.
func (r *runner) rowsOf(i *format.Item, d decided, settings []string) error {
	if err := r.spill(); err != nil {
		return err
	}
	if !allTransactional(r, d.tables) && !r.noted {
		if err := r.noteStep(pending{At: r.group.from}); err != nil {
			return err
		}
	}
	unknown(r.state.Rows)
	r.state.Statements++
	return runAgain(r, i, d, settings)
}

// allTransactional reports whether a rollback undoes all that a statement changes. It is false
// for a statement that names no table.
func allTransactional(r *runner, tables []string) bool {
	for _, t := range tables {
		if !r.transactional(t) {
			return false
		}
	}
	return len(tables) > 0
}

// execute sends text of a statement as its client would send it, for settle has set the client's
// charset. What that cannot hold, as the name of the shadow, is sent in utf8mb4.
func execute(r *runner, q *format.Query, text string) error {
	sent, fits := q.ForClient(text)
	if !fits {
		sent = text
		if _, err := r.apply.ExecContext(r.ctx, "SET character_set_client = utf8mb4"); err != nil {
			return err
		}
	}
	_, err := r.apply.ExecContext(r.ctx, sent)
	return err
}

// runAgain runs one statement again, in the open transaction.
func runAgain(r *runner, i *format.Item, d decided, settings []string) error {
	if err := r.spill(); err != nil {
		return err
	}
	if err := errors.Join(r.send(), r.start()); err != nil {
		return err
	}
	if err := r.settle(i, settings); err != nil {
		return err
	}
	r.size += int64(len(d.sql))
	err := execute(r, i.Query, d.sql)
	return asThere(err, i.Query.ErrorCode)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// context records what the next statement needs.
func (r *runner) context(i *format.Item) error {
	set, err := i.Event.Setting(func(id int) (charset, collation string) {
		c := r.server.collations[id]
		return c[0], c[1]
	})
	if err != nil {
		return err
	}
	r.group.context = append(r.group.context, set)
	return nil
}
