package replay

import (
	"errors"
	"slices"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// window is a span of the log, of whole transactions, as its net effect on each row: nobody
// sees the states in between. It holds what can be written in any order; a transaction that
// does not fit is written by itself, after the window.
type window struct {
	tables map[string]*netTable
	size   int
	rows   int
	log    []member // its transactions, to find one that cannot be replayed
}

// member is a transaction of a window.
type member struct {
	id     string
	events []event
}

func (w *window) empty() bool { return len(w.tables) == 0 }

// names are the window's tables in a fixed order.
func (w *window) names() (all []string) {
	for name := range w.tables {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// fits reports whether the changes of a transaction can be joined with those of the window.
// It changes nothing.
func (w *window) fits(events []event, keys map[string]*keyed, s *server) bool {
	total := 0
	for _, e := range events {
		total += e.size()
	}
	for _, e := range events {
		k := keys[e.table]
		if e.plain != nil || e.keeps || e.image == nil || k == nil {
			return false
		}
		t := w.tables[e.table]
		if t != nil && !t.like.image.Map.SameForm(e.image.Map) || !k.joins(e) {
			return false
		}
		if k.usable() && e.image.Verb == binlog.Update && t != nil && s.takesNative(t.longest+total) != nil {
			return false
		}
	}
	return true
}

// errMoves ends the search for rows that do not fit.
var errMoves = errors.New("a row that does not fit")

// joins reports whether an event can be joined with others of its table.
func (k *keyed) joins(e event) bool {
	r := e.image
	silent := e.foreign && k.cascades && r.Silent()
	if !k.usable() {
		return !silent || r.Verb == binlog.Insert
	}
	n := len(k.table.Columns)
	if r.Partial() || !r.Map.Has(n) {
		return false
	}
	for _, at := range k.primary {
		if r.Verb != binlog.Insert && !r.Before().Has(at) || r.Verb == binlog.Insert && !r.After().Has(at) {
			return false
		}
	}
	switch r.Verb {
	case binlog.Insert:
		return true
	case binlog.Delete:
		return !silent
	}
	whole := r.After().Whole(n)
	if whole && !silent {
		return true
	}
	return r.EachImage(k.watched, func(row *format.Images) error {
		moves := !sameFields(k.watched, row, k.primary) || !sameFields(k.watched, row, k.unique)
		if !whole && moves || silent && !sameFields(k.watched, row, k.parent) {
			return errMoves
		}
		return nil
	}) == nil
}

// add adds the changes of a transaction that fits.
func (w *window) add(events []event, keys map[string]*keyed) error {
	for _, e := range events {
		t := w.tables[e.table]
		if t == nil {
			t = newNetTable(e, keys[e.table])
			w.tables[e.table] = t
		}
		before := len(t.rows)
		if !t.keys.usable() {
			format.CheckNoKeys(e.rows)
		}
		if err := t.add(e); err != nil {
			return err
		}
		w.rows += len(t.rows) - before
		w.size += e.size()
	}
	return nil
}
