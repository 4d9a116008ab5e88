package replay

import (
	"slices"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// group is the state of the current group.
type group struct {
	from    binlog.Place
	skip    bool
	held    []event // not sent to the server yet
	size    int
	changes []binlog.TableChange
	removed []string // tables that lost rows; the log does not show those that foreign keys removed with them
	context []string // settings for the next statement
	number  int      // index of the current statement
	begun   bool     // part of it was sent to the server, in its own transaction
	partly  bool     // it was rolled back to a savepoint
	later   bool     // statements of an XA transaction wait until it is committed
}

// mostHeld is the size of a group that is held until its end, in bytes. An XA transaction
// is held completely: it is not known before whether it is committed.
const mostHeld = 8 << 20

// change replays row images of our database.
func (r *runner) change(i *format.Item) error {
	m := i.Rows.Map
	if m.Schema != r.From || !r.judge.inScope(m.Name) {
		return nil
	}
	rows, err := i.Rows.Count()
	if err != nil {
		return err
	}
	counted := binlog.TableChange{Schema: m.Schema, Table: m.Name}
	counted.Add(i.Rows.Verb, int64(rows))
	sumChange(&r.group.changes, counted)
	if i.Rows.Verb == binlog.Delete && i.Rows.Silent() && !slices.Contains(r.group.removed, m.Name) {
		r.group.removed = append(r.group.removed, m.Name)
	}
	e, err := r.event(i)
	if err != nil {
		return err
	}
	g := &r.group
	g.held = append(g.held, e)
	if g.size += e.size(); g.size > mostHeld && (r.decided || !undecided(i.Group)) {
		return r.spill()
	}
	return nil
}

// event is a change in the form that the server accepts.
func (r *runner) event(i *format.Item) (e event, err error) {
	e.table, e.at = i.Rows.Map.Name, i.Event.Timestamp
	e.keeps = !r.transactional(e.table)
	e.foreign = len(r.Tables) == 0 && i.Rows.ForeignKeys()
	if !r.plain.on && !r.server.byStatements(i.Rows) {
		if e.tableAs, err = i.NativeMap(r.Schema); err == nil {
			e.rows, err = i.NativeRows(e.foreign)
		}
		if err == nil {
			e.image = i.Rows.Kept(e.rows)
		}
		return e, err
	}
	if e.plain, err = r.rowsAsStatements(i.Rows); e.plain == nil {
		e.plain = []string{}
	}
	return e, err
}

// spill sends the held part of a group before the group's end is known, in a transaction
// of its own.
func (r *runner) spill() error {
	if !r.group.begun {
		if err := r.settled(); err != nil {
			return err
		}
		r.group.begun = true
	}
	return r.put(r.group.take(false))
}

// take empties what is held; with rolledBack it returns only what a rollback does not
// undo.
func (g *group) take(rolledBack bool) []event {
	held := g.held
	g.held, g.size = nil, 0
	if rolledBack {
		held = slices.DeleteFunc(held, func(e event) bool { return !e.keeps })
	}
	return held
}

// put sends events to the server in portions.
func (r *runner) put(events []event) error {
	if len(events) == 0 {
		return nil
	}
	if err := drain(r); err != nil {
		return err
	}
	for _, e := range events {
		if e.keeps && !r.noted {
			if err := r.settled(); err != nil {
				return err
			}
			if err := r.noteStep(pending{At: r.group.from}); err != nil {
				return err
			}
		}
		if r.batch.len()+e.size() > r.server.batch || r.batch.mixes(e) {
			if err := r.send(); err != nil {
				return err
			}
		}
		if r.unsent == (binlog.Place{}) {
			r.unsent = r.group.from
		}
		r.size += int64(e.size())
		r.batch.add(e)
	}
	return nil
}

// settled commits the groups before the current one, if there are any.
func (r *runner) settled() error {
	if r.group.begun {
		return nil
	}
	if err := drain(r); err != nil {
		return err
	}
	if r.saved == r.state.At && r.batch.len() == 0 {
		return nil
	}
	return r.commit()
}

// rollBack undoes a group's changes in transactional tables; non-transactional tables keep
// them, as on the server.
func (r *runner) rollBack() error {
	r.group.changes = slices.DeleteFunc(r.group.changes, func(c binlog.TableChange) bool {
		return r.transactional(c.Table)
	})
	if !r.group.begun {
		return nil
	}
	if err := r.send(); err != nil {
		return err
	}
	r.open = false
	_, err := r.apply.ExecContext(r.ctx, "ROLLBACK")
	return err
}
