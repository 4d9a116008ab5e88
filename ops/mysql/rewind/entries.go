package rewind

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
)

// entry is a row of a plan without its images, which are in the spool: about 70 bytes a
// row are held in memory, however wide the rows are.
type entry struct {
	hash   uint64 // of its table and key
	key    int64  // place of an image that has the key
	before int64  // place of what was found before the first change
	after  int64  // place of what the last change left
	now    int64  // place of what is there now
	order  uint32 // number of the last change of the row
	origin int32  // the entry of the row of now before the first change; -1 for a new row
	table  uint16
	state  uint8
	flags  uint8
	copy   int32 // of a table without a key: see bare
}

// Flags of an entry.
const (
	isMixed = 1 << iota // something else changed the row between two of the changes
	isHeld              // rows outside of the plan refer to it
)

// states are numbered in an entry.
var states = [...]binlog.State{binlog.Clean, binlog.Changed, binlog.Gone, binlog.Used}

// chunkBits is how many entries are allocated at once, as a power of two.
const chunkBits = 14

// entries sums up row changes, in order, to a net change per row. It follows what is found
// under each key, so that a key that is given up and taken by another row loses neither.
type entries struct {
	spool   *spool
	tables  []*table
	chunks  [][]entry
	n       int
	slots   []uint32 // an open hash table of entries by key; 0: free
	seed    maphash.Seed
	changes uint32
	key     []byte
	copies  map[[2]uint64]int32 // see bare
}

func newEntries(s *spool) *entries {
	return &entries{spool: s, seed: maphash.MakeSeed(), slots: make([]uint32, 1<<10)}
}

// at is entry i.
func (e *entries) at(i int) *entry { return &e.chunks[i>>chunkBits][i&(1<<chunkBits-1)] }

// number is a table's place among the tables of the entries.
func (e *entries) number(t *table) int {
	if i := slices.Index(e.tables, t); i >= 0 {
		return i
	}
	e.tables = append(e.tables, t)
	return len(e.tables) - 1
}

// add adds the next change of a table.
func (e *entries) add(t *table, before, after []binlog.Value) error {
	e.changes++
	table := e.number(t)
	if t.bare {
		return e.addBare(table, before, after)
	}
	origin := int32(-1)
	at := -1
	var key []byte
	if before != nil {
		var err error
		if key, err = t.keyIn(nil, before); err != nil {
			return err
		}
		if at, _, err = e.touch(table, key, before, before); err != nil {
			return err
		}
		r := e.at(at)
		origin = r.origin
		r.after = none
		r.origin = -1
	}
	if after == nil {
		return nil
	}
	to, err := t.keyIn(nil, after)
	if err != nil {
		return err
	}
	fresh := false
	if at < 0 || !bytes.Equal(key, to) {
		if at, fresh, err = e.touch(table, to, after, nil); err != nil {
			return err
		}
	}
	r := e.at(at)
	r.origin = origin
	if fresh {
		r.after = r.key
		return nil
	}
	r.after, err = e.spool.put(after)
	return err
}

// touch is the entry of a key, under which a change found a row, or none; image has the
// key. fresh tells that no change before had it.
func (e *entries) touch(table int, key []byte, image, found []binlog.Value) (i int, fresh bool, err error) {
	i, known, err := e.find(table, key, 0)
	switch {
	case err != nil:
		return 0, false, err
	case !known:
		i, err = e.insert(table, key, 0, image, found != nil)
	case e.at(i).order < e.changes: // else the same change moved it away
		err = e.continues(i, found)
	}
	if err == nil {
		e.at(i).order = e.changes
	}
	return i, !known, err
}

// continues notes where a change does not start from the state that the previous one left.
func (e *entries) continues(i int, found []binlog.Value) error {
	r := e.at(i)
	left, err := e.spool.get(r.after)
	if err == nil && !binlog.Continues(left, found) {
		r.flags |= isMixed
	}
	return err
}

// keyIn is the key of an image; an image without one is refused.
func (t *table) keyIn(dst []byte, image []binlog.Value) ([]byte, error) {
	for _, i := range t.key {
		if i >= len(image) || image[i].Absent {
			return nil, fmt.Errorf("%s: %w", t.SQLName(), binlog.ErrPartial)
		}
	}
	return t.appendKey(dst, image), nil
}

func (e *entries) hash(table int, key []byte, copy int32) uint64 {
	var h maphash.Hash
	h.SetSeed(e.seed)
	h.WriteByte(byte(table))
	h.WriteByte(byte(table >> 8))
	if copy != 0 {
		maphash.WriteComparable(&h, copy)
	}
	h.Write(key)
	return h.Sum64()
}

// find looks for the entry of a key, and of a copy of it.
func (e *entries) find(table int, key []byte, copy int32) (i int, ok bool, err error) {
	h := e.hash(table, key, copy)
	mask := uint64(len(e.slots) - 1)
	for slot := h & mask; e.slots[slot] != 0; slot = (slot + 1) & mask {
		i := int(e.slots[slot]) - 1
		r := e.at(i)
		if r.hash != h || int(r.table) != table || r.copy != copy {
			continue
		}
		image, err := e.spool.get(r.key)
		if err != nil {
			return 0, false, err
		}
		if e.key = e.tables[table].appendKey(e.key[:0], image); bytes.Equal(e.key, key) {
			return i, true, nil
		}
	}
	return 0, false, nil
}

// insert makes the entry of a key; was tells that the row was there before the first change.
func (e *entries) insert(table int, key []byte, copy int32, image []binlog.Value, was bool) (int, error) {
	place, err := e.spool.put(image)
	if err != nil {
		return 0, err
	}
	i := e.n
	if i>>chunkBits == len(e.chunks) {
		e.chunks = append(e.chunks, make([]entry, 1<<chunkBits))
	}
	e.n++
	r := e.at(i)
	*r = entry{hash: e.hash(table, key, copy), key: place, before: none, after: none, now: none, origin: -1,
		table: uint16(table), copy: copy}
	if was {
		r.before = place
		r.origin = int32(i)
	}
	if e.n*3 > len(e.slots)*2 {
		e.grow()
	} else {
		e.slot(i)
	}
	return i, nil
}

func (e *entries) slot(i int) {
	mask := uint64(len(e.slots) - 1)
	slot := e.at(i).hash & mask
	for e.slots[slot] != 0 {
		slot = (slot + 1) & mask
	}
	e.slots[slot] = uint32(i + 1)
}

func (e *entries) grow() {
	e.slots = make([]uint32, 2*len(e.slots))
	for i := range e.n {
		e.slot(i)
	}
}

// net are the entries of rows that changed, last change first: an order in which undoing
// them is safe. A row that moved from a key that nothing took to one where nothing was is
// one entry.
func (e *entries) net() []uint32 {
	for i := range e.n {
		r := e.at(i)
		if r.origin < 0 || int(r.origin) == i {
			continue
		}
		from := e.at(int(r.origin))
		if r.before != none || r.after == none || from.before == none || from.after != none {
			continue
		}
		r.before = from.before
		r.flags |= from.flags & isMixed
		from.before = none
	}
	order := make([]uint32, 0, e.n)
	for i := range e.n {
		if r := e.at(i); r.before != none || r.after != none {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := e.at(int(a)), e.at(int(b))
		return cmp.Or(cmp.Compare(y.order, x.order), strings.Compare(e.tables[x.table].Name, e.tables[y.table].Name),
			cmp.Compare(a, b))
	})
	return order
}
