package binlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// NetRow is what became of one row over a transaction, or several: Before is nil
// when it was not there, After when it is not any more.
type NetRow struct {
	Table  string  `json:"table"`
	Before []Value `json:"before"`
	After  []Value `json:"after"`
	// Mixed says that something else changed the row between two of the changes.
	Mixed bool `json:"mixed,omitempty"`
}

// Turned is the row of the opposite change.
func (r NetRow) Turned() NetRow { return NetRow{Table: r.Table, Before: r.After, After: r.Before} }

// Undo is what takes the change back: the opposite verb.
func (r NetRow) Undo() Verb {
	switch {
	case r.Before == nil:
		return Delete
	case r.After == nil:
		return Insert
	}
	return Update
}

// Reasons why a transaction has no inverse.
var (
	ErrNoKey   = errors.New("the table has no primary key: its rows cannot be told apart")
	ErrPartial = errors.New("the log does not hold whole rows (binlog_row_image is not FULL)")
)

// Net sums up row changes, in their order, to what became of each row. Rows come in
// the order in which undoing them is safe: what was done last comes first.
type Net struct {
	rows map[string]*netRow
	n    int
}

type netRow struct {
	NetRow
	order int
}

// Add takes the next change of a table whose columns key are its primary key.
func (n *Net) Add(c RowChange, key []int) error {
	if len(key) == 0 {
		return fmt.Errorf("%s: %w", c.Table.String(), ErrNoKey)
	}
	if n.rows == nil {
		n.rows = map[string]*netRow{}
	}
	n.n++
	before, err := KeyOf(c.Before, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Table.String(), err)
	}
	after, err := KeyOf(c.After, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Table.String(), err)
	}
	r := n.take(c.Table.Name, before)
	if r == nil {
		r = &netRow{NetRow: NetRow{Table: c.Table.Name, Before: clone(c.Before)}}
	}
	r.Mixed = r.Mixed || r.order > 0 && !goesOn(r.After, c.Before)
	r.After, r.order = clone(c.After), n.n
	switch {
	case c.After != nil:
		if old := n.take(c.Table.Name, after); old != nil { // deleted, and put in again
			r.Before, r.Mixed = old.Before, r.Mixed || old.Mixed || old.After != nil
		}
		n.rows[c.Table.Name+"\x00"+after] = r
	case r.Before != nil:
		n.rows[c.Table.Name+"\x00"+before] = r
	}
	return nil
}

// goesOn tells whether a change begins with what the one before it left.
func goesOn(left, found []Value) bool {
	if len(left) != len(found) {
		return false
	}
	for i := range left {
		if !left[i].Absent && !found[i].Absent && !left[i].Same(found[i]) {
			return false
		}
	}
	return true
}

// take removes a row from the sum, to be put back under its new key.
func (n *Net) take(table, key string) *netRow {
	if key == "" {
		return nil
	}
	at := table + "\x00" + key
	r := n.rows[at]
	delete(n.rows, at)
	return r
}

// KeyOf is the text that tells a row from others; "" for no row.
func KeyOf(values []Value, key []int) (string, error) {
	if values == nil {
		return "", nil
	}
	var buf [64]byte
	out := buf[:0]
	for _, i := range key {
		if i >= len(values) || values[i].Absent {
			return "", ErrPartial
		}
		out = strconv.AppendInt(out, int64(len(values[i].Text)), 10)
		out = append(out, ':')
		out = append(out, values[i].Text...)
		out = append(out, ',')
	}
	return string(out), nil
}

func clone(values []Value) []Value {
	if values == nil {
		return nil
	}
	size := 0
	for _, v := range values {
		size += len(v.Text)
	}
	out, texts := make([]Value, len(values)), make([]byte, 0, size) // one piece of memory a row
	for i, v := range values {
		out[i] = v
		if v.Text != nil {
			from := len(texts)
			texts = append(texts, v.Text...)
			out[i].Text = texts[from:len(texts):len(texts)]
		}
	}
	return out
}

// Rows are the sum, what was done last first.
func (n *Net) Rows() []NetRow {
	all := make([]*netRow, 0, len(n.rows))
	for _, r := range n.rows {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *netRow) int { return b.order - a.order })
	rows := make([]NetRow, len(all))
	for i, r := range all {
		rows[i] = r.NetRow
	}
	return rows
}

// State is how a row is now, compared with how the transaction left it.
type State string

// The states.
const (
	Clean   State = "clean"   // as the transaction left it
	Changed State = "changed" // something else changed it since, or it is there again
	Gone    State = "gone"    // it is not there any more
	Used    State = "used"    // it is to be deleted, and other rows refer to it now
)

// Compare tells the state of a row that is now as given; nil is not there. same
// compares two values of a column.
func (r NetRow) Compare(now []Value, same func(column int, logged, now Value) bool) State {
	switch {
	case now == nil && r.After == nil:
		return Clean
	case now == nil:
		return Gone
	case r.After == nil:
		return Changed
	}
	for i, v := range r.After {
		if !v.Absent && !same(i, v, now[i]) {
			return Changed
		}
	}
	return Clean
}
