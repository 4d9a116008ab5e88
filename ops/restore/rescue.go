package restore

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
)

// Difference kinds of a rescue.
const (
	RescueMissing = "missing" // in the backup, not in the live table
	RescueChanged = "changed" // in both, with different values
	RescueAdded   = "added"   // only in the live table; never deleted
)

// RescueOrder is the comparison of two values of a key column.
type RescueOrder int

// The orders.
const (
	OrderBytes  RescueOrder = iota // bytewise
	OrderNumber                    // exact decimal numbers
	OrderFloat                     // doubles
)

// RescueColumn is a column that exists in both tables.
type RescueColumn struct {
	Name   string
	Order  RescueOrder
	Binary bool // shown as 0x…
}

// RescueTable is what two copies of a table have in common: the compared columns, and
// which of them are the key.
type RescueTable struct {
	Columns []RescueColumn
	Key     []int
}

// RescueRows are rows in ascending key order.
type RescueRows interface {
	Next() bool
	Values() [][]byte // by column, nil for NULL; valid until Next
	Err() error
}

// Difference is one row that differs between the tables. Its values are valid only during
// the callback.
type Difference struct {
	Kind         string
	Backup, Live [][]byte // by column; nil on the side without the row
	Columns      []int    // the differing columns of a changed row
}

// Row is the row on the side that has it; the backup's if both do.
func (d *Difference) Row() [][]byte {
	if d.Backup != nil {
		return d.Backup
	}
	return d.Live
}

// RescueShown is what a person is shown of a comparison of a table, or of a merge.
type RescueShown struct {
	Said  lang.Msg // how many rows are the same, missing, changed, new
	Tally RescueTally
	Text  string // all there is to say, with the rows
}

// RescueTally counts the rows of a comparison.
type RescueTally struct {
	Same    int64 `json:"same"`
	Missing int64 `json:"missing"`
	Changed int64 `json:"changed"`
	Added   int64 `json:"added"`
}

// Add adds another tally.
func (n *RescueTally) Add(o RescueTally) {
	n.Same += o.Same
	n.Missing += o.Missing
	n.Changed += o.Changed
	n.Added += o.Added
}

// RescueOrderError reports that rows did not come in key order: their comparison would be
// wrong.
type RescueOrderError struct{ Side, Key string }

func (e *RescueOrderError) Error() string {
	return fmt.Sprintf("the rows of the %s are out of order at key %s", e.Side, e.Key)
}

// Diff walks two tables in parallel and passes each differing row to the callback, in key
// order. It holds one row of each table at a time.
func (t *RescueTable) Diff(backup, live RescueRows, each func(*Difference) error) (n RescueTally, err error) {
	b := &rescueSide{t: t, name: "backup", rows: backup}
	l := &rescueSide{t: t, name: "live table", rows: live}
	b.next()
	l.next()
	for b.err == nil && l.err == nil && (b.row != nil || l.row != nil) {
		d := Difference{}
		switch c := t.side(b.row, l.row); {
		case c < 0:
			d.Kind, d.Backup = RescueMissing, b.row
			n.Missing++
		case c > 0:
			d.Kind, d.Live = RescueAdded, l.row
			n.Added++
		default:
			if d.Columns = t.differing(b.row, l.row); d.Columns == nil {
				n.Same++
				break
			}
			d.Kind = RescueChanged
			d.Backup = b.row
			d.Live = l.row
			n.Changed++
		}
		if d.Kind != "" {
			if err := each(&d); err != nil {
				return n, err
			}
		}
		if d.Kind != RescueAdded {
			b.next()
		}
		if d.Kind != RescueMissing {
			l.next()
		}
	}
	if b.err != nil {
		return n, b.err
	}
	return n, l.err
}

// Changed is the difference of two rows of one key.
func (t *RescueTable) Changed(backup, live [][]byte) *Difference {
	return &Difference{Kind: RescueChanged, Backup: backup, Live: live, Columns: t.differing(backup, live)}
}

// side tells which side's row comes first; an absent row comes last.
func (t *RescueTable) side(b, l [][]byte) int {
	switch {
	case l == nil:
		return -1
	case b == nil:
		return 1
	}
	return t.CompareKeys(b, l)
}

// CompareKeys orders two rows by their keys.
func (t *RescueTable) CompareKeys(a, b [][]byte) int {
	for _, i := range t.Key {
		if c := t.Columns[i].Order.compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

// differing are the columns with different values; nil for none.
func (t *RescueTable) differing(a, b [][]byte) (columns []int) {
	for i, c := range t.Columns {
		if !c.same(a[i], b[i]) {
			columns = append(columns, i)
		}
	}
	return columns
}

// same reports whether two values are equal; NULL equals only NULL.
func (c RescueColumn) same(a, b []byte) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if c.Order == OrderNumber {
		return compareNumbers(a, b) == 0
	}
	return bytes.Equal(a, b)
}

// rescueSide is one table's rows, with a check of their order.
type rescueSide struct {
	t    *RescueTable
	name string
	rows RescueRows
	row  [][]byte
	last [][]byte // key values of the previous row
	err  error
}

func (s *rescueSide) next() {
	first := s.row == nil
	if !first {
		for n, i := range s.t.Key {
			s.last[n] = append(s.last[n][:0], s.row[i]...)
		}
	} else {
		s.last = make([][]byte, len(s.t.Key))
	}
	if !s.rows.Next() {
		s.row, s.err = nil, s.rows.Err()
		return
	}
	s.row = s.rows.Values()
	if !first && !s.ascends() {
		s.err = &RescueOrderError{s.name, s.t.KeyText(s.row)}
	}
}

func (s *rescueSide) ascends() bool {
	for n, i := range s.t.Key {
		if c := s.t.Columns[i].Order.compare(s.last[n], s.row[i]); c != 0 {
			return c < 0
		}
	}
	return false
}

// KeyText is a row's key in the form of --keys: the parts joined by "/", with a backslash
// before "/", "," and "\" inside a part, binary ones as 0x….
func (t *RescueTable) KeyText(row [][]byte) string {
	return t.keyText(row, RescueColumn.Text)
}

// ShownKey is KeyText with secrets masked.
func (t *RescueTable) ShownKey(row [][]byte) string {
	return t.keyText(row, RescueColumn.Shown)
}

func (t *RescueTable) keyText(row [][]byte, text func(RescueColumn, []byte) *string) string {
	parts := make([]string, len(t.Key))
	for n, i := range t.Key {
		parts[n] = keyEscape.Replace(*text(t.Columns[i], row[i]))
	}
	return strings.Join(parts, "/")
}

var keyEscape = strings.NewReplacer(`\`, `\\`, `/`, `\/`, `,`, `\,`)

// SplitKeys splits a list of keys at commas that are not escaped with a backslash.
func SplitKeys(list string) (keys []string) {
	start := 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) || list[i] == ',':
			if key := strings.TrimSpace(list[start:i]); key != "" {
				keys = append(keys, key)
			}
			start = i + 1
		case list[i] == '\\':
			i = min(i+1, len(list)-1)
		}
	}
	return keys
}

// Text is a value for people and programs; nil for NULL.
func (c RescueColumn) Text(value []byte) *string {
	var text string
	switch {
	case value == nil:
		return nil
	case c.Binary:
		text = fmt.Sprintf("0x%X", value)
	default:
		text = string(value)
	}
	return &text
}

var secretColumn = regexp.MustCompile(
	`(?i)(passw|pwd|secret|token|api_?key|access_?key|private_?key|authorization|cookie)`,
)

// Shown is Text with secrets masked, including every value of a column whose name suggests
// a secret.
func (c RescueColumn) Shown(value []byte) *string {
	text := c.Text(value)
	switch {
	case text == nil:
	case secretColumn.MatchString(c.Name):
		*text = redact.Mask
	case !c.Binary:
		*text = redact.Text(*text)
	}
	return text
}

// RescuePick selects the rows to merge or show.
type RescuePick struct {
	Kinds map[string]bool // nil means all
	Keys  map[string]bool // by KeyText; nil means all
}

// Takes reports whether a row is selected.
func (p RescuePick) Takes(t *RescueTable, d *Difference) bool {
	if p.Kinds != nil && !p.Kinds[d.Kind] {
		return false
	}
	return p.Keys == nil || p.Keys[t.KeyText(d.Row())]
}
