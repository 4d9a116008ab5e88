// Package history finds how a table was defined when a transaction of the binlog changed
// it: from the statements in the log, and from the table as it is today.
package history

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// Column is a column of a table at one time.
type Column struct {
	Name     string
	Declared *Declared // nil if the log does not tell
	Hidden   bool      // MariaDB's own, with the hash of a unique key over a BLOB; no statement names it
}

// Definition is a table at one time.
type Definition struct {
	Columns  []Column
	Key      []string // the primary key; nil for none
	KeyKnown bool
}

func (d *Definition) clone() *Definition {
	own := *d
	own.Columns = slices.Clone(d.Columns)
	own.Key = slices.Clone(d.Key)
	return &own
}

// InKey reports whether the primary key has a column.
func (d *Definition) InKey(name string) bool {
	return slices.ContainsFunc(d.Key, func(k string) bool { return strings.EqualFold(k, name) })
}

// At is the place of a column; -1 if there is none.
func (d *Definition) At(name string) int {
	return slices.IndexFunc(d.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

// Statement is one that changed definitions, in log order.
type Statement struct {
	ID     string // of its transaction
	Schema string // the database that it ran in
	SQL    string
	Mode   sqlscan.Mode
}

// Timeline is a table over the time of a log.
type Timeline struct {
	Name       string // DATABASE.TABLE
	today      *schema.Table
	statements []Statement
	changes    []change
	states     []*Definition // before each statement, and after the last; nil: not known
	why        []int         // of a state that is not known, the statement that hides it
	unlogged   bool          // the statements do not lead to the table of today
}

// Concerns reports whether a statement changed the columns or the identity of a table.
func Concerns(s Statement, database, table string) bool { return read(s, database, table) != nil }

// New follows a table through the statements of a log that concern it, in log order. today
// is nil if there is no such table.
func New(database, table string, today *schema.Table, statements []Statement) *Timeline {
	t := &Timeline{Name: database + "." + table, today: today, statements: statements}
	for _, s := range statements {
		c := read(s, database, table)
		if c == nil {
			c = &change{}
		}
		t.changes = append(t.changes, *c)
	}
	n := len(statements)
	t.states = make([]*Definition, n+1)
	t.why = make([]int, n+1)
	t.forward()
	now := defined(today)
	t.addHiddenKey(now)
	if last := t.states[n]; last != nil && now != nil && !sameNames(last, now) {
		t.unlogged = true
		t.states = make([]*Definition, n+1)
		return t
	}
	t.backward(now)
	return t
}

// hiddenKey is the column that MySQL adds to a table without a primary key, if
// sql_generate_invisible_primary_key is on. The statement in the log does not name it.
const hiddenKey = "my_row_id"

// addHiddenKey adds the column to the definitions of statements if today's table has it and
// they do not.
func (t *Timeline) addHiddenKey(now *Definition) {
	if now == nil || len(now.Columns) == 0 || now.Columns[0].Name != hiddenKey {
		return
	}
	for i, d := range t.states {
		if d == nil || d.At(hiddenKey) >= 0 {
			continue
		}
		own := d.clone()
		own.Columns = slices.Insert(own.Columns, 0, Column{Name: hiddenKey})
		own.Key = []string{hiddenKey}
		t.states[i] = own
	}
}

// defined is a table of today as a definition; nil for none.
func defined(today *schema.Table) *Definition {
	if today == nil {
		return nil
	}
	d := &Definition{KeyKnown: true}
	for _, c := range today.Columns {
		d.Columns = append(d.Columns, Column{Name: c.Name})
	}
	if today.KeyUnique == "PRIMARY" {
		d.Key = today.Key
	}
	return d
}

func sameNames(a, b *Definition) bool {
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y Column) bool { return strings.EqualFold(x.Name, y.Name) })
}

// forward follows the table from each statement that creates it.
func (t *Timeline) forward() {
	var d *Definition
	for i, c := range t.changes {
		switch {
		case c.maybe && d != nil: // it was there
		case c.made != nil:
			d = c.made
		case c.dropped, c.opaque, c.created:
			d = nil
		case d != nil:
			d = d.after(c.steps)
		}
		t.states[i+1] = d
	}
}

// backward follows the table from today to where its columns cannot be known.
func (t *Timeline) backward(d *Definition) {
	n := len(t.changes)
	if t.states[n] == nil {
		t.states[n] = d
	}
	hidden := n
	for i := n - 1; i >= 0; i-- {
		c := t.changes[i]
		switch {
		case d == nil:
		case c.created, c.dropped, c.opaque:
			d = nil
		case c.maybe:
		default:
			d = d.before(c.steps)
		}
		if d == nil && hidden == n {
			hidden = i
		}
		t.why[i] = min(hidden, max(len(t.statements)-1, 0))
		if t.states[i] == nil {
			t.states[i] = d
		}
	}
}

// untouched marks a column that no step of a statement has changed yet. All steps name the
// columns as they were before the statement: `RENAME COLUMN a TO b, RENAME COLUMN b TO a`
// exchanges two names.
const untouched = "\x00"

// marked is a copy with all columns untouched.
func (d *Definition) marked() *Definition {
	d = d.clone()
	for i := range d.Columns {
		d.Columns[i].Name = untouched + d.Columns[i].Name
	}
	for i := range d.Key {
		d.Key[i] = untouched + d.Key[i]
	}
	return d
}

// plain removes the marks.
func (d *Definition) plain() *Definition {
	for i := range d.Columns {
		d.Columns[i].Name = strings.TrimPrefix(d.Columns[i].Name, untouched)
	}
	for i := range d.Key {
		d.Key[i] = strings.TrimPrefix(d.Key[i], untouched)
	}
	return d
}

// still is the place of a column that no step has changed yet.
func (d *Definition) still(name string) int { return d.At(untouched + name) }

// now is the place of a column that has a name after the steps so far.
func (d *Definition) now(name string) int {
	if at := d.At(name); at >= 0 {
		return at
	}
	return d.still(name)
}

// after is the definition after some steps; nil if it cannot be known.
func (d *Definition) after(steps []step) *Definition {
	d = d.marked()
	for _, s := range steps {
		at := d.still(s.name)
		switch s.verb {
		case opaque:
			return nil
		case rekey:
			d.KeyKnown = false
		case convert:
			d.forgetCharsets()
		case add:
			if s.maybe && d.now(s.name) >= 0 {
				continue
			}
			if !d.insert(s.to, s, len(d.Columns)) {
				return nil
			}
		default:
			if at < 0 && s.maybe {
				continue
			}
			if at < 0 || !d.change(s, at) {
				return nil
			}
		}
	}
	return d.plain()
}

// change drops, renames or redefines the column at a place.
func (d *Definition) change(s step, at int) bool {
	old := d.Columns[at]
	switch s.verb {
	case drop:
		d.Columns = slices.Delete(d.Columns, at, at+1)
		if d.InKey(old.Name) {
			d.KeyKnown = false
		}
		return true
	case rename:
		d.Columns[at].Name = s.to.Name
	case modify:
		d.Columns = slices.Delete(d.Columns, at, at+1)
		if !d.insert(s.to, s, at) {
			return false
		}
	}
	for i, k := range d.Key {
		if strings.EqualFold(k, old.Name) {
			d.Key[i] = s.to.Name
		}
	}
	return true
}

// insert puts a column where a step says, else at a place.
func (d *Definition) insert(c Column, s step, at int) bool {
	switch {
	case s.first:
		at = 0
	case s.after != "":
		at = d.now(s.after) + 1
		if at == 0 {
			return false
		}
	}
	d.Columns = slices.Insert(d.Columns, at, c)
	return true
}

func (d *Definition) forgetCharsets() {
	for i := range d.Columns {
		if own := d.Columns[i].Declared; own != nil && own.Charset != "" {
			other := *own
			other.Charset = ""
			d.Columns[i].Declared = &other
		}
	}
}

// before is the definition before some steps; nil if it cannot be known.
func (d *Definition) before(steps []step) *Definition {
	d = d.marked()
	for _, s := range slices.Backward(steps) {
		at := d.still(s.to.Name)
		switch {
		case s.verb == opaque, s.verb == drop, s.maybe:
			return nil
		case s.verb == rekey:
			d.KeyKnown = false
		case s.verb == convert:
		case at < 0:
			return nil
		case s.verb == add:
			d.Columns = slices.Delete(d.Columns, at, at+1)
		case s.verb == modify && (s.first || s.after != ""):
			return nil // where it was before is not known
		default:
			d.Columns[at] = Column{Name: s.name}
			for i, k := range d.Key {
				if strings.EqualFold(k, untouched+s.to.Name) {
					d.Key[i] = s.name
				}
			}
		}
	}
	return d.plain()
}

// UnknownError reports that the columns of a table at the time of a transaction cannot be
// known.
type UnknownError struct {
	Table string
	ID    string // of the statement that hides them; "" if it is not in the log
	SQL   string
}

func (e *UnknownError) Error() string {
	if e.ID == "" {
		return fmt.Sprintf("the table %s was changed by a statement that is not in the log", e.Table)
	}
	return fmt.Sprintf("the columns of %s before %s are not known: %s", e.Table, e.ID, e.SQL)
}

// Named names the columns of a logged table, and its key, by the definition that it had
// before statement n. It returns the columns in the log's order.
func (t *Timeline) Named(n int, logged *binlog.Table) (*Definition, error) {
	d := t.states[n]
	if logged.Named() {
		own := &Definition{}
		for _, c := range logged.Columns {
			own.Columns = append(own.Columns, Column{Name: c.Name, Hidden: t.isHash(c.Name)})
			if c.Key {
				own.Key = append(own.Key, c.Name)
			}
		}
		own.KeyKnown = own.Key != nil
		if d = d.hashed(own.hashes()); d != nil && sameNames(own, d) {
			return d, nil
		}
		return own, nil
	}
	if d == nil {
		return nil, t.unknown(n)
	}
	if hashes := len(logged.Columns) - len(d.Columns); t.hashes(n, logged, hashes) {
		d = d.hashed(hashes)
	}
	if len(d.Columns) != len(logged.Columns) {
		return nil, &UnknownError{Table: t.Name}
	}
	return d, nil
}

// hashName begins the names of MariaDB's columns with the hash of a unique key over a BLOB.
// They are behind all others, and the log has them.
// https://mariadb.com/docs/server/reference/sql-statements/data-definition/constraint
const hashName = "DB_ROW_HASH_"

// isHash reports whether a logged column is such a one.
func (t *Timeline) isHash(name string) bool {
	return strings.HasPrefix(name, hashName) && (t.today == nil || t.today.Column(name) == nil)
}

// hashes tells whether the last columns of a logged table are n of those: as many as today's
// table has, or after a change of it nullable numbers as they are.
func (t *Timeline) hashes(statement int, logged *binlog.Table, n int) bool {
	if n <= 0 || n >= len(logged.Columns) || t.today == nil {
		return false
	}
	return n == t.today.Hashes || t.Since(statement) &&
		!slices.ContainsFunc(logged.Columns[len(logged.Columns)-n:], func(c binlog.Column) bool {
			return !c.Nullable || c.Type != "bigint"
		})
}

func (d *Definition) hashes() (n int) {
	for _, c := range d.Columns {
		if c.Hidden {
			n++
		}
	}
	return n
}

// hashed is the definition with n columns for hashes.
func (d *Definition) hashed(n int) *Definition {
	if d == nil || n == 0 {
		return d
	}
	d = d.clone()
	for i := range n {
		d.Columns = append(d.Columns, Column{Name: fmt.Sprint(hashName, i+1), Hidden: true})
	}
	return d
}

func (t *Timeline) unknown(n int) error {
	if t.unlogged || len(t.statements) == 0 {
		return &UnknownError{Table: t.Name}
	}
	s := t.statements[t.why[min(n, len(t.statements)-1)]]
	return &UnknownError{Table: t.Name, ID: s.ID, SQL: s.SQL}
}

// MayHaveKeyOf reports whether the table has, or may have had, a primary key of n columns.
func (t *Timeline) MayHaveKeyOf(n int) bool {
	known := false
	for _, d := range t.states {
		if d == nil || !d.KeyKnown {
			continue
		}
		known = true
		if n > 0 && len(d.Key) == n {
			return true
		}
	}
	return !known
}

// Since reports whether a statement after the first n concerns the table.
func (t *Timeline) Since(n int) bool { return n < len(t.statements) }
