package binlog

import "strings"

// Kind determines how a column's value is shown, compared and written.
type Kind uint8

// The kinds of values.
const (
	Number   Kind = iota // Text is its digits
	Float                // Text is the shortest exact number, 4 bytes
	Double               // Text is the shortest exact number, 8 bytes
	Temporal             // Text as the server prints it; a TIMESTAMP in UTC
	Text                 // Text is the bytes in the column's charset
	Binary               // Text is the bytes
	JSON                 // Text is the document as MySQL prints it
	Enum                 // Text is the member's number
	Set                  // Text is the members' bits as a number
	Bits                 // Text is the bytes, highest first
	Typed                // Text as the server prints it, of a type that it logs as bytes: UUID, INET6, INET4
)

// Value is one column's value in a row image.
type Value struct {
	Kind   Kind
	Absent bool // the image does not contain the column
	Null   bool
	Text   []byte
	// Exact is SQL that makes a JSON document of which the text does not tell the types of all
	// values: a DECIMAL, a TIME, an unsigned integer. nil if the text tells them; Unwritable if
	// no SQL makes it.
	Exact []byte
}

// Unwritable is the Exact of a JSON document that no SQL makes.
const Unwritable = "?"

// same reports whether two values are identical bit for bit. An absent value equals
// nothing.
func (v Value) same(o Value) bool {
	if v.Absent || o.Absent {
		return false
	}
	return v.Null == o.Null && string(v.Text) == string(o.Text)
}

// Clone is a copy that later reads do not overwrite.
func (v Value) Clone() Value {
	v.Text = append([]byte(nil), v.Text...)
	return v
}

// Column is a column's description from a table map, or from the table itself.
type Column struct {
	Name     string // "" when the log does not say (binlog_row_metadata is not FULL)
	Kind     Kind
	Type     string // a short name for people: "bigint unsigned", "varchar"
	Charset  int    // the collation's number; 0 if unknown
	Nullable bool
	Key      bool     // part of the primary key, if logged
	Members  []string // of ENUM and SET, if logged
	Signed   bool     // the log tells whether the number is unsigned
}

// Table is a table's definition at the time of a transaction.
type Table struct {
	Schema  string
	Name    string
	Columns []Column
}

// String is schema.table.
func (t *Table) String() string { return t.Schema + "." + t.Name }

// Named reports whether every column has a name.
func (t *Table) Named() bool {
	for _, c := range t.Columns {
		if c.Name == "" {
			return false
		}
	}
	return true
}

// Verb is the type of a row change.
type Verb string

// The verbs.
const (
	Insert Verb = "insert"
	Update Verb = "update"
	Delete Verb = "delete"
	DDL    Verb = "ddl"
)

// RowChange is one row before and after. Before is nil for an insert, After for a delete.
type RowChange struct {
	Verb   Verb
	Table  *Table
	Before []Value
	After  []Value
	// Silent tells that foreign keys were active, and that rows of other tables that they
	// changed are not in the log.
	Silent bool
}

// Matches reports whether a name that a person gave refers to the table: TABLE or
// SCHEMA.TABLE.
func (t *Table) Matches(name string) bool { return Matches(t.Schema, t.Name, name) }

// SplitTable is a name as SCHEMA.TABLE; ok is false if it has no schema.
func SplitTable(name string) (schema, table string, ok bool) {
	schema, table, ok = strings.Cut(name, ".")
	if !ok {
		return "", name, false
	}
	return schema, table, true
}

// Matches is Table.Matches for names alone.
func Matches(schema, table, name string) bool {
	if s, n, ok := strings.Cut(name, "."); ok {
		return strings.EqualFold(s, schema) && strings.EqualFold(n, table) || strings.EqualFold(name, table)
	}
	return strings.EqualFold(name, table)
}
