package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unsafe"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// netKind is the net effect of a span of the log on one row.
type netKind uint8

const (
	added    netKind = iota // the row was not there, and is
	altered                 // it was there, and has other values
	removed                 // it was there, and is not
	replaced                // as altered, but unique values may move: it is removed first, then added
	gone                    // it was not there, and is not: it came and went
)

// netRow is a row that a span of the log changed.
type netRow struct {
	key   string // the primary key's values as logged, in the order of the columns
	image []byte // the values afterwards: of all columns, or of those in has
	has   format.Bits
	order uint64 // where the row is among the others
	kind  netKind
}

// netTable is the net effect of a span of the log on one table.
type netTable struct {
	name    string
	keys    *keyed
	like    event // an event of the table
	flags   uint16
	index   map[string]int32 // nil while rows only came: the server finds one that is there already
	rows    []netRow
	longest int     // the longest image
	inOrder []event // of a table without a usable key: its changes, one after the other
	size    int
	key     format.Bits // the columns of the key
	arena   []byte
	counter uint64 // the highest AUTO_INCREMENT value of the rows that came
	went    bool   // rows came and went
}

func newNetTable(e event, k *keyed) *netTable {
	t := &netTable{name: e.table, keys: k, like: e}
	bits := make(format.Bits, (len(k.table.Columns)+7)/8)
	for _, i := range k.primary {
		bits[i>>3] |= 1 << (i & 7)
	}
	t.key = bits
	return t
}

// inconsistentError reports changes that contradict each other or the copy.
type inconsistentError struct{ table, what string }

func (e *inconsistentError) Error() string {
	return fmt.Sprintf("the log changes a row of %s that %s", e.table, e.what)
}

// add adds the rows of an event that fits.
func (t *netTable) add(e event) error {
	t.size += e.size()
	t.flags |= e.image.KeptFlags()
	if !t.keys.usable() {
		t.inOrder = append(t.inOrder, e)
		return nil
	}
	if e.image.Verb != binlog.Insert {
		if err := t.seek(); err != nil {
			return err
		}
	}
	whole := e.image.After().Whole(len(t.keys.table.Columns))
	return e.image.EachImage(t.keys.watched, func(row *format.Images) error {
		switch e.image.Verb {
		case binlog.Insert:
			return t.insert(t.keyOf(row.AfterFields), row, e.image.After(), whole)
		case binlog.Delete:
			return t.remove(t.keyOf(row.BeforeFields))
		}
		return t.update(row, e.image.After(), whole)
	})
}

// keyOf is the key in the arena's memory; it is kept only if claim is called.
func (t *netTable) keyOf(fields []format.Field) string {
	const chunk = 64 << 10
	need := 0
	for i, at := range t.keys.watched {
		if t.key.Has(at) {
			need += len(fields[i].Raw)
		}
	}
	if cap(t.arena)-len(t.arena) < need {
		t.arena = make([]byte, 0, max(chunk, need))
	}
	out := t.arena[len(t.arena):len(t.arena)]
	for i, at := range t.keys.watched {
		if t.key.Has(at) {
			out = append(out, fields[i].Raw...)
		}
	}
	return unsafe.String(unsafe.SliceData(out), len(out))
}

// seek makes the index, for a change of a row that may be here.
func (t *netTable) seek() error {
	if t.index != nil {
		return nil
	}
	t.index = make(map[string]int32, len(t.rows))
	for i, r := range t.rows {
		t.index[r.key] = int32(i)
	}
	if len(t.index) < len(t.rows) {
		return &inconsistentError{t.name, "is already there"}
	}
	return nil
}

// find is the row with a key; nil if it was not changed yet.
func (t *netTable) find(key string) *netRow {
	if at, there := t.index[key]; there {
		return &t.rows[at]
	}
	return nil
}

// make is a new row with a key that keyOf returned last.
func (t *netTable) make(key string) *netRow {
	t.arena = t.arena[:len(t.arena)+len(key)]
	if t.index != nil {
		t.index[key] = int32(len(t.rows))
	}
	t.rows = append(t.rows, netRow{key: key, order: t.orderOf(key)})
	return &t.rows[len(t.rows)-1]
}

// orderOf sorts rows as the primary key does, where that is cheap to tell; it only makes
// writing them quicker.
func (t *netTable) orderOf(key string) uint64 {
	const sign = 1 << 63
	first := t.keys.primary[0]
	if n, ok := t.like.image.Map.IntegerAt(first, []byte(key), t.keys.unsigned[first]); ok {
		if t.keys.unsigned[first] {
			return uint64(n)
		}
		return uint64(n) ^ sign
	}
	return 0
}

func (t *netTable) set(r *netRow, kind netKind, image []byte, has format.Bits) {
	r.kind, r.image, r.has = kind, image, has
	t.longest = max(t.longest, len(image))
}

func (t *netTable) insert(key string, row *format.Images, has format.Bits, whole bool) error {
	t.counts(row.AfterFields)
	r := t.find(key)
	switch {
	case r == nil:
		t.set(t.make(key), added, row.After, has)
	case r.kind == gone:
		t.set(r, added, row.After, has)
	case r.kind == removed && whole && len(t.keys.unique) == 0:
		t.set(r, altered, row.After, has)
	case r.kind == removed:
		t.set(r, replaced, row.After, has)
	default:
		return &inconsistentError{t.name, "is already there"}
	}
	return nil
}

func (t *netTable) remove(key string) error {
	r := t.find(key)
	switch {
	case r == nil:
		t.make(key).kind = removed
	case r.kind == added:
		r.kind, r.image = gone, nil
		t.went = true
	case r.kind == altered || r.kind == replaced:
		r.kind, r.image = removed, nil
	default:
		return &inconsistentError{t.name, "is not there"}
	}
	return nil
}

func (t *netTable) update(row *format.Images, has format.Bits, whole bool) error {
	key := t.keyOf(row.BeforeFields)
	if !t.sameAt(row, t.keys.primary) {
		if err := t.remove(key); err != nil {
			return err
		}
		return t.insert(t.keyOf(row.AfterFields), row, has, whole)
	}
	moves := !t.sameAt(row, t.keys.unique)
	r := t.find(key)
	kind := altered
	switch {
	case r == nil:
		r = t.make(key)
	case r.kind == removed || r.kind == gone:
		return &inconsistentError{t.name, "is not there"}
	case r.kind == altered && whole:
	case r.kind == altered:
		return t.merge(r, kindOf(altered, moves), row.After, has)
	default:
		kind = r.kind
		if !whole {
			return t.merge(r, kind, row.After, has)
		}
	}
	if kind == altered {
		kind = kindOf(r.kind, moves)
	}
	t.set(r, kind, row.After, has)
	return nil
}

// kindOf is the kind of a row that was there and is changed.
func kindOf(was netKind, moves bool) netKind {
	if moves || was == replaced {
		return replaced
	}
	return altered
}

func (t *netTable) merge(r *netRow, kind netKind, image []byte, has format.Bits) error {
	merged, bits, err := t.like.image.Map.Merged(r.image, r.has, image, has)
	if err != nil {
		return err
	}
	if bytes.Equal(bits, r.has) {
		bits = r.has
	}
	t.set(r, kind, merged, bits)
	return nil
}

// sameAt reports whether an update leaves columns as they are.
func (t *netTable) sameAt(row *format.Images, columns []int) bool {
	return sameFields(t.keys.watched, row, columns)
}

// sameFields reports whether an update of the watched columns leaves some of them as they are.
// A column that is not in the image afterwards is not changed.
func sameFields(watched []int, row *format.Images, columns []int) bool {
	c := 0
	for i, at := range watched {
		if c < len(columns) && columns[c] == at {
			c++
			if !row.AfterFields[i].Absent && !row.AfterFields[i].Same(row.BeforeFields[i]) {
				return false
			}
		}
	}
	return true
}

// counts records the AUTO_INCREMENT value of a row that came.
func (t *netTable) counts(fields []format.Field) {
	at := t.keys.counter
	if at < 0 {
		return
	}
	raw := fields[slices.Index(t.keys.watched, at)].Raw
	unsigned := t.keys.unsigned[at]
	if n, ok := t.like.image.Map.IntegerAt(at, raw, unsigned); ok && (unsigned || n > 0) {
		t.counter = max(t.counter, uint64(n))
	}
}

// sorted are the rows of some kinds in their order.
func (t *netTable) sorted() []netRow {
	slices.SortFunc(t.rows, func(a, b netRow) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		return cmp.Compare(a.key, b.key)
	})
	return t.rows
}
