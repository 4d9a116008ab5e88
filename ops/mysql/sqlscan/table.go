package sqlscan

import (
	"bytes"
	"slices"
	"strings"
)

// Column is a column in a CREATE TABLE statement.
type Column struct {
	Name      string
	Type      string // lower case, without length: "int", "varchar"
	Generated bool   // computed
	AutoInc   bool
	Unique    bool // UNIQUE or PRIMARY KEY in its definition
}

// Key is an index in a CREATE TABLE statement.
type Key struct {
	Name    string
	Kind    string   // PRIMARY, UNIQUE, KEY, FULLTEXT or SPATIAL
	Columns []string // first part of each key part; "" for an expression
	SQL     string   // its definition as written
	first   int      // tokens of the definition
	last    int
}

// ForeignKey is a foreign key in a CREATE TABLE statement.
type ForeignKey struct {
	Columns    []string
	References Ref
	Referenced []string // columns of the other table
}

// Table is what a CREATE TABLE statement makes.
type Table struct {
	*Parsed
	Columns     []Column
	Keys        []Key
	ForeignKeys []ForeignKey
	Options     map[string]string // upper case: ENGINE, AUTO_INCREMENT, CONNECTION …
	Versioned   bool              // system-versioned
	Partitioned bool
	Whole       bool // the statement lists its columns, and all of it was understood
}

// ParseTable reads a CREATE TABLE statement with its columns.
func ParseTable(sql []byte, mode Mode) (*Table, error) {
	p, err := Parse(sql, mode)
	if err != nil {
		return nil, err
	}
	if p.Verb != "CREATE" || p.Kind != "TABLE" {
		return nil, errUnknown
	}
	t := &Table{Parsed: p, Options: map[string]string{}}
	if !t.Is(t.Body, "(") {
		return t, nil
	}
	t.Whole = true
	i := t.Body + 1
	for i < t.Len() && !t.Is(i-1, ")") {
		end := t.ItemEnd(i)
		t.item(i, end)
		i = end + 1
	}
	t.options(i)
	return t, nil
}

func (t *Table) item(i, end int) {
	start := i
	if t.Is(i, "CONSTRAINT") {
		i++
		if !t.Any(i, "PRIMARY", "UNIQUE", "FOREIGN", "CHECK") {
			i++
		}
	}
	switch t.Upper(i) {
	case "PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR":
		t.key(start, i, end)
	case "FOREIGN":
		t.foreignKey(i, end)
	case "CHECK", "PERIOD", "LIKE":
		t.Versioned = t.Versioned || t.Follows(i, "PERIOD", "FOR")
		t.Whole = t.Whole && !t.Is(i, "LIKE")
	default:
		t.column(i, end)
	}
}

func (t *Table) column(i, end int) {
	name, ok := t.Name(i)
	if !ok {
		t.Whole = false
		return
	}
	c := Column{Name: name, Type: strings.ToLower(t.Upper(i + 1))}
	for depth := 0; i < end; i++ {
		switch {
		case t.Is(i, "("):
			depth++
		case t.Is(i, ")"):
			depth--
		case depth > 0:
		case t.Any(i, "GENERATED", "AS") && (t.Is(i+1, "(") || t.Is(i+1, "ALWAYS")):
			c.Generated = true
		case t.Is(i, "AUTO_INCREMENT"):
			c.AutoInc = true
		case t.Any(i, "UNIQUE", "PRIMARY", "KEY") && t.Text.Kind(i) == Word:
			c.Unique = true
		}
	}
	t.Columns = append(t.Columns, c)
}

func (t *Table) key(start, i, end int) {
	k := Key{Kind: t.Upper(i), first: start, last: end - 1}
	if k.Kind == "INDEX" {
		k.Kind = "KEY"
	}
	for ; i < end && !t.Is(i, "("); i++ {
		if n, ok := t.Name(i); ok &&
			!t.Any(i, "PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "USING", "BTREE", "HASH", "VECTOR") ||
			t.Text.Kind(i) == Ident {
			k.Name = n
		}
	}
	k.Columns = t.columnList(i, end)
	if end <= t.Len() && start < end {
		k.SQL = string(t.SQL[t.Tokens[start].Start:t.Tokens[end-1].End])
	}
	t.Keys = append(t.Keys, k)
}

// columnList reads (a, b(10), (expr)) at token i.
func (t *Table) columnList(i, end int) (names []string) {
	depth := 0
	for ; i < end; i++ {
		switch {
		case t.Is(i, "("):
			depth++
			if depth == 2 && (t.Is(i-1, "(") || t.Is(i-1, ",")) {
				names = append(names, "")
			}
		case t.Is(i, ")"):
			if depth--; depth == 0 {
				return names
			}
		case depth == 1 && (t.Is(i-1, "(") || t.Is(i-1, ",")):
			if n, ok := t.Name(i); ok {
				names = append(names, n)
			}
		}
	}
	return names
}

func (t *Table) foreignKey(i, end int) {
	var f ForeignKey
	for ; i < end && !t.Is(i, "("); i++ {
		continue
	}
	f.Columns = t.columnList(i, end)
	for ; i < end; i++ {
		if t.Is(i, "REFERENCES") {
			f.References.Name, _ = t.Name(i + 1)
			at := i + 2
			if t.Is(at, ".") {
				f.References.Schema = f.References.Name
				f.References.Name, _ = t.Name(at + 1)
				at += 2
			}
			f.Referenced = t.columnList(at, end)
		}
	}
	t.ForeignKeys = append(t.ForeignKeys, f)
}

// options reads what is behind the columns: ENGINE=InnoDB COMMENT='x' …
func (t *Table) options(i int) {
	for ; i < t.Len(); i++ {
		switch {
		case t.Follows(i, "PARTITION", "BY"):
			t.Partitioned = true
			return
		case t.Follows(i, "WITH", "SYSTEM", "VERSIONING"):
			t.Versioned = true
			i += 2
		case t.Text.Kind(i) == Word && t.Is(i+1, "="):
			name := t.Upper(i)
			if t.Any(i-1, "DATA", "INDEX") && name == "DIRECTORY" {
				name = t.Upper(i-1) + " " + name
			}
			v, ok := t.Value(i + 2)
			if !ok {
				v = string(t.Bytes(i + 2))
			}
			t.Options[name] = v
			i += 2
		}
	}
}

// Without returns the statement without some of its keys.
func (t *Table) Without(keys []Key) []byte {
	var out []byte
	at := 0
	for _, k := range keys {
		// The comma before goes with the key: the first item of a table that
		// this is used on is a column.
		out = append(out, t.SQL[at:t.Tokens[k.first-1].Start]...)
		at = t.Tokens[k.last].End
	}
	return append(out, t.SQL[at:]...)
}

// Deferrable are the keys that can be added behind the rows such that the
// table comes out as if it had been made with them: same keys in the same
// order. keep tells of further keys that must be there from the start.
func (t *Table) Deferrable(keep func(Key) bool) []Key {
	if !t.deferSafe() {
		return nil
	}
	var keys []Key
	blocked := map[string]bool{} // by class: the server sorts unique keys first
	for _, k := range slices.Backward(t.Keys) {
		class := "plain"
		if k.Kind == "UNIQUE" {
			class = "unique"
		}
		if blocked[class] || k.Kind == "PRIMARY" || t.bound(k) || keep(k) {
			blocked[class] = true
			continue
		}
		if k.Kind != "UNIQUE" && k.Kind != "KEY" {
			continue // fulltext, spatial, vector keys stay, behind all others
		}
		keys = append(keys, k)
	}
	slices.Reverse(keys)
	return keys
}

func (t *Table) deferSafe() bool {
	primary := slices.ContainsFunc(t.Keys, func(k Key) bool { return k.Kind == "PRIMARY" })
	inline := slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Unique })
	return t.Whole && primary && !inline && !t.Versioned && strings.EqualFold(t.Options["ENGINE"], "InnoDB") &&
		len(t.Conditional) == 0
}

// bound tells whether rows or other definitions need the key from the start:
// the counter's key, and what foreign keys stand on.
func (t *Table) bound(k Key) bool {
	if k.Name == "" || len(k.Columns) == 0 || bytes.Contains(bytes.ToUpper([]byte(k.SQL)), []byte("WITHOUT OVERLAPS")) {
		return true
	}
	for _, c := range t.Columns {
		if c.AutoInc && slices.Contains(k.Columns, c.Name) {
			return true
		}
	}
	for _, f := range t.ForeignKeys {
		if len(f.Columns) > 0 && k.Columns[0] == f.Columns[0] {
			return true
		}
	}
	return false
}
