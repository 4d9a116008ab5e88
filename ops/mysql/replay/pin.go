package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// windowError is an error of writing a window: it is not of the transaction that is read.
type windowError struct{ error }

func (e *windowError) Unwrap() error { return e.error }

// tableError is an error of writing a table.
type tableError struct {
	error
	table string
}

func (e *tableError) Error() string { return fmt.Sprintf("table %s: %v", e.table, e.error) }

func (e *tableError) Unwrap() error { return e.error }

// onTable names the table of an error.
func onTable(t *netTable, err error) error {
	if err == nil {
		return nil
	}
	return &tableError{err, t.name}
}

// failedPart is a part of a window that could not be written.
type failedPart struct {
	lane *lane
	part []portion
	err  error
}

// explain names the first transaction of a window that cannot be replayed, and the restore
// that ends before it. Errors that say nothing of the log keep their own advice.
func (f *flight) explain(ctx context.Context, err error) error {
	if !ofTheLog(err) || len(f.failed) == 0 {
		return fmt.Errorf("replay the transactions up to %s: %w", f.to.Position, err)
	}
	first := len(f.window.log)
	for _, p := range f.failed {
		if !ofTheLog(p.err) {
			continue
		}
		if at, why := p.first(ctx, f.window); at < first {
			first, err = at, why
		}
	}
	id := f.window.log[0].id
	what := lang.M("the replay failed at the rows of the transactions from %s of the binlog on", id)
	if first < len(f.window.log) {
		id = f.window.log[first].id
		what = lang.M("the replay failed at transaction %s of the binlog", id)
	}
	var of *tableError
	if errors.As(err, &of) && first < len(f.window.log) {
		what = lang.M("the replay failed at transaction %s of the binlog, in rows of the table %s", id, of.table)
	}
	return ops.Wrap(err, ops.Failed, what).
		WithHint(lang.M("restore to just before it instead: opsdeck restore --before %s --plan", id))
}

// ofTheLog reports whether an error would come again.
func ofTheLog(err error) bool {
	var contradiction *inconsistentError
	return errors.As(err, &contradiction) || mysql.Number(err) != 0 && !mysql.Circumstance(err)
}

// first is the index of the first transaction with which a part cannot be written, and why;
// the number of transactions if that is not found. It writes nothing: what it tries is rolled
// back.
func (p *failedPart) first(ctx context.Context, w *window) (int, error) {
	mine := p.rows()
	n := len(w.log)
	why := p.try(ctx, w, n, mine)
	fine, fails := 0, n
	for fails-fine > 1 && ofTheLog(why) {
		middle := (fine + fails) / 2
		err := p.try(ctx, w, middle, mine)
		if err == nil {
			fine = middle
			continue
		}
		fails, why = middle, err
	}
	if !ofTheLog(why) {
		return n, p.err
	}
	return fails - 1, why
}

// rows are the keys of the part's rows, by table. A table without keys is in it as a whole.
func (p *failedPart) rows() map[string]map[string]bool {
	mine := map[string]map[string]bool{}
	for _, o := range p.part {
		keys := map[string]bool{}
		for i := range o.rows {
			keys[o.rows[i].key] = true
		}
		mine[o.table.name] = keys
	}
	return mine
}

// try writes what the first n transactions of a window do to the part's rows, and takes it
// back.
func (p *failedPart) try(ctx context.Context, w *window, n int, mine map[string]map[string]bool) error {
	keys := map[string]*keyed{}
	for name, t := range w.tables {
		keys[name] = t.keys
	}
	some := newWindow()
	for _, m := range w.log[:n] {
		if err := some.add(m.events, keys); err != nil {
			return err
		}
	}
	l := p.lane
	err := l.exec(ctx, "BEGIN")
	for _, name := range some.names() {
		t := some.tables[name]
		rows := slices.DeleteFunc(t.sorted(), func(r netRow) bool { return !mine[name][r.key] })
		if err == nil && mine[name] != nil && (len(rows) > 0 || !t.keys.usable()) {
			err = l.portion(ctx, portion{t, rows})
			if err == nil {
				err = l.flush(ctx)
			}
			err = onTable(t, err)
		}
	}
	return errors.Join(err, l.back(ctx))
}
