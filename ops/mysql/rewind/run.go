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

// Statements are the SQL that the plan comes to, in order.
func (p *Plan) Statements(choice Choice) (all []string) {
	for _, b := range p.batches(choice) {
		all = append(all, b.sql()...)
	}
	return all
}

// batches joins neighbours that one statement can do.
func (p *Plan) batches(choice Choice) (all []batch) {
	size := 0
	for i := range p.Rows {
		r := &p.Rows[i]
		verb, do := r.action(choice)
		if !do {
			continue
		}
		t := p.tables[r.Table]
		last := len(all) - 1
		size += weight(r)
		if last < 0 || all[last].verb != verb || all[last].table != t || len(all[last].rows) >= t.together(verb) ||
			size > batchBytes {
			all = append(all, batch{verb: verb, table: t})
			last, size = last+1, weight(r)
		}
		all[last].rows = append(all[last].rows, r)
	}
	return all
}

func weight(r *Row) (n int) {
	for _, v := range r.Before {
		n += 2*len(v.Text) + 8
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
	switch b.verb {
	case binlog.Delete:
		var keys []string
		for _, r := range b.rows {
			keys = append(keys, b.table.keyValues(r.there()))
		}
		return []string{
			"DELETE FROM " + b.table.SQLName() + " WHERE " + b.table.keyList() + " IN (" + strings.Join(
				keys,
				", ",
			) + ")",
		}
	case binlog.Insert:
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
	return "UPDATE " + t.SQLName() + " SET " + strings.Join(
		set,
		", ",
	) + " WHERE " + t.keyList() + " = " + t.keyValues(
		r.there(),
	)
}

// Done is what a run did.
type Done struct {
	Rows    int64
	Skipped int
	Inverse []binlog.NetRow // what takes it back
}

// Run carries the plan out in one transaction. Every row is locked and compared
// again first: one that changed since the plan was made ends it with ErrChanged. keep
// is called with the inverse before the commit; its error ends it too.
func (p *Plan) Run(
	ctx context.Context,
	c *sql.Conn,
	choice Choice,
	keep func([]binlog.NetRow) error,
) (done Done, err error) {
	if p.Conflicts() > 0 && choice == "" {
		return done, ErrConflicts
	}
	if err := session(ctx, c); err != nil {
		return done, err
	}
	bind, err := p.loosen(ctx, c)
	if err != nil {
		return done, err
	}
	defer bind()
	shown := p.Hash()
	tx, err := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return done, err
	}
	defer tx.Rollback()
	if err := p.measure(ctx, tx); err != nil {
		return done, err
	}
	if err := p.lock(ctx, c, tx, shown); err != nil {
		return done, err
	}
	orphans, err := p.orphans(ctx, tx, "")
	if err != nil {
		return done, err
	}
	do := p.do
	if len(p.Triggers) > 0 {
		do = p.settle
	}
	err = do(ctx, tx, choice, &done)
	if err == nil {
		err = p.prove(ctx, tx, choice)
	}
	if err == nil {
		err = p.proveKeys(ctx, tx, orphans)
	}
	if err != nil {
		return done, p.why(ctx, c, tx, shown, err)
	}
	done.Inverse = p.inverse(choice)
	done.Skipped = len(p.Rows) - len(done.Inverse)
	if err := keep(done.Inverse); err != nil {
		return done, fmt.Errorf("keep the inverse: %w", err)
	}
	return done, tx.Commit()
}

// ErrUnproved says that the rows did not come out as planned.
var ErrUnproved = errors.New("the rows are not as planned; nothing was done")

// prove reads the rows that were changed once more: each must be as planned. A row that was
// inserted where none was is proved by its insertion, unless it has JSON: written as text,
// a DECIMAL in it would come back as a DOUBLE.
func (p *Plan) prove(ctx context.Context, tx *sql.Tx, choice Choice) error {
	some := map[string][]*Row{}
	look := func(name string) error {
		t := p.tables[name]
		if err := t.compare(ctx, tx, some[name], ""); err != nil {
			return err
		}
		for _, r := range some[name] {
			if !r.done(t) {
				return fmt.Errorf("%w: %s", ErrUnproved, t.SQLName())
			}
		}
		some[name] = some[name][:0]
		return nil
	}
	for _, r := range p.wanted(choice, func(r *Row) bool { return !absent(r) || p.tables[r.Table].json }) {
		some[r.Table] = append(some[r.Table], r)
		if len(some[r.Table]) == compareRows {
			if err := look(r.Table); err != nil {
				return err
			}
		}
	}
	for name, rows := range some {
		if len(rows) == 0 {
			continue
		}
		if err := look(name); err != nil {
			return err
		}
	}
	return nil
}

// lock locks the rows and compares them again, and looks again who refers to them.
func (p *Plan) lock(ctx context.Context, c *sql.Conn, tx *sql.Tx, shown string) error {
	there := func(r *Row) bool { return !absent(r) }
	err := p.compare(ctx, c, there, " FOR UPDATE")
	if err == nil {
		err = p.findUsers(ctx, tx, " LOCK IN SHARE MODE")
	}
	if mysql.Number(err) == errSnapshot || err == nil && p.Hash() != shown {
		return ErrChanged
	}
	return err
}

// errSnapshot is MariaDB's "Record has changed since last read": a row that must be
// locked was changed after the transaction began to read (innodb_snapshot_isolation).
const errSnapshot = 1020

// do carries out the batches; the next one is written while the server does one.
func (p *Plan) do(ctx context.Context, tx *sql.Tx, choice Choice, done *Done) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type written struct {
		batch
		statements []string
	}
	ready := make(chan written, 2)
	go func() {
		defer close(ready)
		for _, b := range p.batches(choice) {
			select {
			case ready <- written{b, b.sql()}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for w := range ready {
		if err := w.run(ctx, tx, w.statements, done); err != nil {
			return refused(w.verb, w.table, err)
		}
	}
	return ctx.Err()
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
	if p.Hash() != shown {
		return ErrChanged
	}
	return err
}

func (b *batch) run(ctx context.Context, tx *sql.Tx, statements []string, done *Done) error {
	for _, q := range statements {
		r, err := tx.ExecContext(ctx, q)
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

// inverse is what takes the run back: each row from what it becomes to what it is.
func (p *Plan) inverse(choice Choice) (all []binlog.NetRow) {
	all = make([]binlog.NetRow, 0, len(p.Rows))
	for i := range p.Rows {
		r := &p.Rows[i]
		if _, do := r.action(choice); do {
			all = append(all, binlog.NetRow{Table: r.Table, Before: r.Now, After: r.Before})
		}
	}
	return all
}

// Back plans to take a run back by its inverse. shape is what its images mean; nil where
// that was not kept.
func Back(
	ctx context.Context,
	c *sql.Conn,
	database, id string,
	rows []binlog.NetRow,
	shape Shape,
) (*Plan, error) {
	if err := session(ctx, c); err != nil {
		return nil, err
	}
	p := &Plan{Txn: &binlog.Transaction{ID: id}, Database: database}
	for i := len(rows) - 1; i >= 0; i-- {
		r := rows[i]
		p.Rows = append(p.Rows, Row{NetRow: r})
		p.Txn.Count(database, r.Table)
	}
	if len(p.Rows) == 0 {
		return nil, ErrNothing
	}
	if err := p.readTables(ctx, c, ""); err != nil {
		return nil, err
	}
	if err := reshape(p, shape); err != nil {
		return nil, err
	}
	for _, r := range p.Rows {
		if t := p.tables[r.Table]; len(t.key) == 0 || len(r.there()) != len(t.Columns) {
			return nil, fmt.Errorf("%s: %w", r.Table, binlog.ErrNoKey)
		}
	}
	return p, p.judge(ctx, c)
}
