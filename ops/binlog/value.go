package binlog

import "strings"

// Kind says what a column's value is, and so how it is shown, compared and written.
type Kind uint8

// The kinds of values.
const (
	Number   Kind = iota // Text is its digits
	Float                // Text is its shortest exact digits, of 4 bytes
	Double               // the same, of 8 bytes
	Temporal             // Text as the server prints it; a TIMESTAMP in UTC
	Text                 // Text is the bytes in the column's charset
	Binary               // Text is the bytes
	JSON                 // Text is the document as MySQL prints it
	Enum                 // Text is the member's number
	Set                  // Text is the members' bits as a number
	Bits                 // Text is the bytes, the highest first
	Typed                // Text as the server prints it, of a type that it logs as bytes: UUID, INET6, INET4
)

// Value is one column's value in a row image.
type Value struct {
	Kind   Kind
	Absent bool // the image does not hold the column
	Null   bool
	Text   []byte
}

// Same tells whether two values are the same to the last bit. What is absent is the
// same as nothing.
func (v Value) Same(o Value) bool {
	if v.Absent || o.Absent {
		return false
	}
	return v.Null == o.Null && string(v.Text) == string(o.Text)
}

// Clone is a copy that later reading does not overwrite.
func (v Value) Clone() Value {
	v.Text = append([]byte(nil), v.Text...)
	return v
}

// Column is what a table map, or the table itself, says of one column.
type Column struct {
	Name     string // "" when the log does not say (binlog_row_metadata is not FULL)
	Kind     Kind
	Type     string // a short name for people: "bigint unsigned", "varchar"
	Charset  int    // the collation's number; 0 when unknown
	Nullable bool
	Key      bool     // of the primary key, as far as the log says
	Members  []string // of ENUM and SET, as far as the log says
}

// Table is a table as a transaction saw it.
type Table struct {
	Schema  string
	Name    string
	Columns []Column
}

// String is schema.table.
func (t *Table) String() string { return t.Schema + "." + t.Name }

// Named tells whether every column has a name.
func (t *Table) Named() bool {
	for _, c := range t.Columns {
		if c.Name == "" {
			return false
		}
	}
	return true
}

// Verb is what happened to a row.
type Verb string

// The verbs.
const (
	Insert Verb = "insert"
	Update Verb = "update"
	Delete Verb = "delete"
	DDL    Verb = "ddl"
)

// RowChange is one row before and after. Before is nil for an insert, After for a
// delete.
type RowChange struct {
	Verb   Verb
	Table  *Table
	Before []Value
	After  []Value
	// Silent says that foreign keys were obeyed, and that the rows of other tables which
	// they changed are not in the log.
	Silent bool
}

// Matches tells whether a name that a person gave means the table: TABLE or
// SCHEMA.TABLE.
func (t *Table) Matches(name string) bool { return Matches(t.Schema, t.Name, name) }

// Matches is Table.Matches for names alone.
func Matches(schema, table, name string) bool {
	if s, n, ok := strings.Cut(name, "."); ok {
		return strings.EqualFold(s, schema) && strings.EqualFold(n, table) || strings.EqualFold(name, table)
	}
	return strings.EqualFold(name, table)
}
