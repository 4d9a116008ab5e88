package rewind

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Choice is what is done with a row that is not as the transaction left it.
type Choice string

// The choices. Without one a plan with conflicts is not carried out.
const (
	Skip      Choice = "skip"
	Overwrite Choice = "overwrite"
)

// ErrConflicts says that rows are not as the transaction left them and nothing was
// chosen for them.
var ErrConflicts = errors.New("rows are not as the transaction left them")

// ErrChanged says that rows changed between the plan and its run.
var ErrChanged = errors.New("rows changed since the plan was made; nothing was done")

// batch is one statement over several rows.
type batch struct {
	verb  binlog.Verb
	table *table
	rows  []*Row
}

// batchRows is how many rows one statement has at most, and batchBytes about how long
// it is.
const (
	batchRows  = 2000
	batchBytes = 256 << 10
)

// Statements calls take with the SQL that the plan comes to, in order.
func (p *Plan) Statements(ctx context.Context, choice Choice, take func(string) error) error {
	each := p.batches
	if p.stepwise && p.Conflicts() == 0 {
		back, err := p.readSteps(ctx)
		if err != nil {
			return err
		}
		defer back.Close()
		each = func(_ Choice, take func(*batch) error) error { return back.batches(take) }
	}
	return each(choice, func(b *batch) error {
		for _, q := range b.sql() {
			if err := take(q); err != nil {
				return err
			}
		}
		return nil
	})
}

// batches calls take with the rows that are changed, neighbours that one statement can do
// joined.
func (p *Plan) batches(choice Choice, take func(*batch) error) error {
	j := joiner{take: take}
	err := p.Each(func(r *Row) error {
		verb, do := r.action(choice)
		if !do {
			return nil
		}
		return j.add(p.tables[r.Table], verb, r)
	})
	if err != nil {
		return err
	}
	return j.end()
}

// joiner joins rows to batches.
type joiner struct {
	take func(*batch) error
	now  *batch
	size int
}

func (j *joiner) add(t *table, verb binlog.Verb, r *Row) error {
	n := weight(r.Before)
	full := j.now != nil && (j.now.verb != verb || j.now.table != t || len(j.now.rows) >= t.together(verb) ||
		j.size+n > batchBytes)
	if full {
		if err := j.end(); err != nil {
			return err
		}
	}
	if j.now == nil {
		j.now = &batch{verb: verb, table: t}
		j.size = 0
	}
	j.size += n
	j.now.rows = append(j.now.rows, r)
	return nil
}

// end gives the last batch.
func (j *joiner) end() error {
	last := j.now
	j.now = nil
	if last == nil {
		return nil
	}
	return j.take(last)
}

// weight is about how long an image is as SQL.
func weight(image []binlog.Value) (n int) {
	for _, v := range image {
		n += 2*len(v.Text) + len(v.Exact) + 8
	}
	return n
}

// action is what is done with a row now.
func (r *Row) action(choice Choice) (verb binlog.Verb, do bool) {
	if r.State == binlog.Clean {
		return r.Undo(), true
	}
	if r.held {
		return "", false // its deletion would delete, or change, rows that no undo brings back
	}
	if choice != Overwrite {
		return "", false
	}
	switch {
	case r.Before == nil && r.Now == nil: // what is to be deleted is gone
		return "", false
	case r.Before == nil:
		return binlog.Delete, true
	case r.Now == nil:
		return binlog.Insert, true
	}
	return binlog.Update, true
}

func (b *batch) sql() (all []string) {
	switch {
	case b.verb == binlog.Delete && b.table.bare:
		return []string{"DELETE FROM " + b.table.SQLName() + " WHERE " + b.table.equals(b.rows[0].there()) + " LIMIT 1"}
	case b.verb == binlog.Delete:
		return []string{"DELETE FROM " + b.table.SQLName() + " WHERE " + b.table.keyAmong("", b.rows)}
	case b.verb == binlog.Insert:
		return []string{b.insert()}
	}
	for _, r := range b.rows {
		all = append(all, b.update(r))
	}
	return all
}

func (b *batch) insert() string {
	t := b.table
	var names []string
	for _, i := range t.stored {
		names = append(names, schema.Ident(t.Columns[i].Name))
	}
	var q strings.Builder
	q.Grow(batchBytes)
	q.WriteString("INSERT INTO " + t.SQLName() + " (" + strings.Join(names, ", ") + ") VALUES ")
	for n, r := range b.rows {
		if n > 0 {
			q.WriteString(", ")
		}
		sep := "("
		for _, i := range t.stored {
			q.WriteString(sep)
			q.WriteString(t.literal(i, r.Before[i]))
			sep = ", "
		}
		q.WriteString(")")
	}
	return q.String()
}

// update sets the columns that differ from what is there now.
func (b *batch) update(r *Row) string {
	t := b.table
	var set []string
	for _, i := range t.stored {
		if !t.same(i, r.Before[i], r.Now[i]) {
			set = append(set, schema.Ident(t.Columns[i].Name)+" = "+t.literal(i, r.Before[i]))
		}
	}
	if len(set) == 0 {
		return "DO 0" // it is as it was already
	}
	return "UPDATE " + t.SQLName() + " SET " + strings.Join(set, ", ") + " WHERE " + t.keyAmong("", []*Row{r})
}

// Done is what a run did.
type Done struct {
	Rows    int64 // that the server changed
	Changed int   // rows of the plan that are now as before the transactions
	Skipped int
}

// Keep keeps the n changes of a run, which take it back.
type Keep func(n int, changes Changes) error

// Run carries the plan out in one transaction. Every row is locked and compared
// again first: one that changed since the plan was made ends it with ErrChanged. keep
// is called with the changes before the commit; its error ends it too.
func (p *Plan) Run(ctx context.Context, c *sql.Conn, choice Choice, keep Keep) (done Done, err error) {
	if p.Conflicts() > 0 && choice == "" {
		return done, ErrConflicts
	}
	if err := session(ctx, c); err != nil {
		return done, err
	}
	if err := mysql.LogReplayably(ctx, c, p.Database); err != nil {
		return done, err
	}
	bind, err := p.loosen(ctx, c)
	if err != nil {
		return done, err
	}
	defer bind()
	shown, err := p.Hash()
	if err != nil {
		return done, err
	}
	tx, err := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return done, err
	}
	defer tx.Rollback()
	if err := (firing{p}).measure(ctx, tx); err != nil {
		return done, err
	}
	if err := p.lock(ctx, tx, shown); err != nil {
		return done, err
	}
	orphans, err := p.orphans(ctx, tx, "")
	if err != nil {
		return done, err
	}
	did, err := p.carryOut(ctx, tx, choice, &done)
	defer func() { did.Close() }() // also after an error: nil takes it
	if err == nil {
		err = p.prove(ctx, tx, choice)
	}
	if err == nil {
		err = p.proveKeys(ctx, tx, orphans)
	}
	if err != nil {
		return done, p.why(ctx, c, tx, shown, err)
	}
	done.Changed = p.chosen(choice)
	done.Skipped = len(p.rows) - done.Changed
	n, changes := p.did(choice, did)
	if err := keep(n, changes); err != nil {
		return done, fmt.Errorf("keep the inverse: %w", err)
	}
	return done, tx.Commit()
}

// beforeRun is the savepoint to which a run goes back that goes on change by change.
const beforeRun = "opsdeck_rewind"

// carryOut changes the rows: each from what it is to what it was. Where the keys allow no
// order for that, it goes back change by change, over what the rows were in between; the
// changes that it did so are returned.
func (p *Plan) carryOut(ctx context.Context, tx *sql.Tx, choice Choice, done *Done) (*steps, error) {
	if len(p.Triggers) > 0 {
		return nil, firing{p}.settle(ctx, tx, choice, done)
	}
	clean := p.Conflicts() == 0
	if p.stepwise && clean {
		return p.goBack(ctx, tx, done)
	}
	if _, err := tx.ExecContext(ctx, "SAVEPOINT "+beforeRun); err != nil {
		return nil, err
	}
	err := p.do(ctx, tx, done, func(take func(*batch) error) error { return p.batches(choice, take) })
	var keys *RefusedError
	if !errors.As(err, &keys) || !clean {
		return nil, err
	}
	if _, e := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+beforeRun); e != nil {
		return nil, errors.Join(err, e)
	}
	again := Done{}
	back, e := p.goBack(ctx, tx, &again)
	if e != nil {
		return back, err
	}
	*done = again
	return back, nil
}

// ErrUnproved says that the rows did not come out as planned.
var ErrUnproved = errors.New("the rows are not as planned; nothing was done")

// prove reads the rows that were changed once more: each must be as planned. A row that was
// inserted where none was is proved by its insertion, unless it has JSON, which may not come
// back as it was written; so is a row without a key, and its deletion by the count of it.
func (p *Plan) prove(ctx context.Context, tx *sql.Tx, choice Choice) error {
	told := p.begin("verify", int64(len(p.rows)))
	ask := p.portions(func(t *table, rows []*Row) error {
		if err := t.compare(ctx, tx, rows, ""); err != nil {
			return err
		}
		told.add(len(rows))
		for _, r := range rows {
			if !r.done(t) {
				return fmt.Errorf("%w: %s", ErrUnproved, t.difference(r))
			}
		}
		return nil
	})
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		t := p.entries.tables[e.table]
		if e.absent() && !t.json || t.bare {
			continue
		}
		r, err := p.load(int(i))
		if err != nil {
			return err
		}
		if _, do := r.action(choice); !do {
			continue
		}
		if err := ask.add(int(e.table), r.wanted()); err != nil {
			return err
		}
	}
	return ask.end()
}

// lock locks the rows and compares them again, and looks again who refers to them.
func (p *Plan) lock(ctx context.Context, tx *sql.Tx, shown string) error {
	err := p.compare(ctx, tx, func(e *entry) bool { return !e.absent() }, " FOR UPDATE")
	if err == nil {
		err = using{p}.findUsers(ctx, tx, " LOCK IN SHARE MODE")
	}
	if mysql.Number(err) == errSnapshot {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	now, err := p.Hash()
	if err == nil && now != shown {
		return ErrChanged
	}
	return err
}

// errSnapshot is MariaDB's "Record has changed since last read": a row that must be
// locked was changed after the transaction began to read (innodb_snapshot_isolation).
const errSnapshot = 1020

// do carries out batches; the next one is written while the server does one.
func (p *Plan) do(ctx context.Context, tx *sql.Tx, done *Done, each func(func(*batch) error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	type written struct {
		batch
		statements []string
	}
	ready := make(chan written, 2)
	failed := make(chan error, 1)
	go func() {
		defer close(ready)
		failed <- each(func(b *batch) error {
			select {
			case ready <- written{*b, b.sql()}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	told := p.begin("rows", int64(len(p.rows)))
	var err error
	for w := range ready {
		if err == nil {
			err = w.run(ctx, tx, w.statements, p.packet, done)
			told.add(len(w.rows))
		}
		if err != nil {
			err = refused(w.verb, w.table, err)
			break
		}
	}
	cancel()
	for range ready { // the writer reads rows until it has seen that
	}
	if e := <-failed; err == nil {
		err = e
	}
	return err
}

// why tells a row that is there again, which its insertion found, from other errors.
func (p *Plan) why(ctx context.Context, c *sql.Conn, tx *sql.Tx, shown string, err error) error {
	if mysql.Number(err) != mysql.ErrDuplicateKey {
		return err
	}
	if e := tx.Rollback(); e != nil {
		return errors.Join(err, e)
	}
	if e := p.compare(ctx, c, all, ""); e != nil {
		return errors.Join(err, e)
	}
	now, e := p.Hash()
	if e != nil {
		return errors.Join(err, e)
	}
	if now != shown {
		return ErrChanged
	}
	return err
}

func (b *batch) run(ctx context.Context, tx *sql.Tx, statements []string, packet int64, done *Done) error {
	for _, q := range statements {
		r, err := mysql.ExecLong(ctx, tx, q, packet)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		done.Rows += n
		if want := int64(len(b.rows)); b.verb != binlog.Update && n != want {
			return fmt.Errorf("%d %w, not %d", n, errRows, want)
		}
	}
	return nil
}

// chosen is how many rows the plan changes.
func (p *Plan) chosen(choice Choice) (n int) {
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		r := Row{State: states[e.state], held: e.flags&isHeld != 0}
		if e.before != none {
			r.Before = present
		}
		if e.now != none {
			r.Now = present
		}
		if e.after != none {
			r.After = present
		}
		if _, do := r.action(choice); do {
			n++
		}
	}
	return n
}

// present marks an image that is not read.
var present = []binlog.Value{}

// did are the changes that a run did: step by step, or each row from what it was to what it
// becomes.
func (p *Plan) did(choice Choice, back *steps) (int, Changes) {
	if back != nil {
		return back.n, back.did
	}
	return p.chosen(choice), func(take func(binlog.NetRow) error) error {
		return p.Each(func(r *Row) error {
			if _, do := r.action(choice); !do {
				return nil
			}
			return take(binlog.NetRow{Table: r.Table, Before: r.Now, After: r.Before})
		})
	}
}
