package binlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// NetRow is the net change of one row over one or more transactions: Before is nil if the
// row did not exist before, After if it no longer exists.
type NetRow struct {
	Table  string  `json:"table"`
	Before []Value `json:"before"`
	After  []Value `json:"after"`
	// Mixed tells that something else changed the row between two of the changes.
	Mixed bool `json:"mixed,omitempty"`
}

// Turned is the row of the opposite change.
func (r NetRow) Turned() NetRow { return NetRow{Table: r.Table, Before: r.After, After: r.Before} }

// Undo is the verb that reverts the change.
func (r NetRow) Undo() Verb {
	switch {
	case r.Before == nil:
		return Delete
	case r.After == nil:
		return Insert
	}
	return Update
}

// Reasons why a transaction cannot be inverted.
var (
	ErrNoKey   = errors.New("the table has no primary key: its rows cannot be told apart")
	ErrPartial = errors.New("the log does not hold whole rows (binlog_row_image is not FULL)")
)

// Net sums up row changes, in order, to a net change per row. It follows what is found
// under each key, so that a key that is given up and taken by another row loses neither.
// Rows are returned in an order in which undoing them is safe: last change first.
type Net struct {
	rows map[string]*netRow
	n    int
}

// netRow is what was found under a key before the first change, and what is there after
// the last.
type netRow struct {
	NetRow
	order  int
	origin string // the key that the row of now had before the first change; "" for a new row
}

// Add adds the next change of a table; key are the indexes of its primary key's columns.
func (n *Net) Add(c RowChange, key []int) error {
	if len(key) == 0 {
		return fmt.Errorf("%s: %w", c.Table.String(), ErrNoKey)
	}
	if n.rows == nil {
		n.rows = map[string]*netRow{}
	}
	n.n++
	before, err := keyOf(c.Before, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Table.String(), err)
	}
	after, err := keyOf(c.After, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Table.String(), err)
	}
	origin := ""
	if c.Before != nil {
		r := n.at(c.Table.Name, before, c.Before)
		origin = r.origin
		r.After = nil
		r.origin = ""
	}
	if c.After != nil {
		r := n.at(c.Table.Name, after, nil)
		r.After = clone(c.After)
		r.origin = origin
	}
	return nil
}

// at is what is known of a key, under which a change found a row, or none.
func (n *Net) at(table, key string, found []Value) *netRow {
	key = table + "\x00" + key
	r := n.rows[key]
	if r == nil {
		r = &netRow{NetRow: NetRow{Table: table, Before: clone(found)}}
		if found != nil {
			r.origin = key
		}
		n.rows[key] = r
	} else if r.order < n.n { // else the same change moved it away
		r.Mixed = r.Mixed || !Continues(r.After, found)
	}
	r.order = n.n
	return r
}

// Continues reports whether a change starts from the state that the previous one left.
func Continues(left, found []Value) bool {
	if (left == nil) != (found == nil) || len(left) != len(found) {
		return false
	}
	for i := range left {
		if !left[i].Absent && !found[i].Absent && !left[i].same(found[i]) {
			return false
		}
	}
	return true
}

// keyOf is a text that identifies a row; "" for no row.
func keyOf(values []Value, key []int) (string, error) {
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
	out := make([]Value, len(values))
	texts := make([]byte, 0, size) // one allocation per row
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

// Rows are the net changes, last change first. A row that moved from a key that nothing
// took to one where nothing was is one change.
func (n *Net) Rows() []NetRow {
	for _, r := range n.rows {
		if from := n.rows[r.origin]; r.movedFrom(from) {
			r.Before = from.Before
			r.Mixed = r.Mixed || from.Mixed
			from.Before = nil
		}
	}
	all := make([]*netRow, 0, len(n.rows))
	for _, r := range n.rows {
		if r.Before != nil || r.After != nil {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *netRow) int {
		return cmp.Or(b.order-a.order, strings.Compare(a.origin, b.origin))
	})
	rows := make([]NetRow, len(all))
	for i, r := range all {
		rows[i] = r.NetRow
	}
	return rows
}

// movedFrom reports whether the row came from another key, and that is all that happened
// under both.
func (r *netRow) movedFrom(from *netRow) bool {
	return from != nil && from != r && r.Before == nil && r.After != nil && from.Before != nil && from.After == nil
}

// State compares a row's current state with the state after the transaction.
type State string

// The states.
const (
	Clean   State = "clean"   // as the transaction left it
	Changed State = "changed" // something else changed or recreated it since
	Gone    State = "gone"    // it no longer exists
	Used    State = "used"    // it would be deleted, but other rows refer to it now
)

// Compare returns the state of a row with the current values now; nil if the row does not
// exist. same compares two values of a column.
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
