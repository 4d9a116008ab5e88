package binlog

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/pattern"
)

// Transaction is a summary of one committed group of the log.
type Transaction struct {
	ID     string // its GTID, else FILE:POS of its start; accepted by --txn and --before
	GTID   string // "" for an anonymous one
	File   string
	Pos    uint64 // start position
	End    uint64 // end position
	Time   time.Time
	Tables []TableChange // from row images, in the order of their first change
	DDL    []Statement   // statements that change definitions
	Other  []Statement   // statement format: the rows that they changed are not logged
	Size   int64         // bytes in the log
	Thread uint32        // connection id on the server
	Query  string        // the first statement's text, if the server logs it
	// Unfinished is an XA transaction that was prepared and not committed there.
	Unfinished bool
	XA         string // id, as SQL, of an XA transaction that is prepared or completed later
	RolledBack bool
	// Void is a group that changes nothing and counts as no transaction: the beginning, or the
	// failure, of an ALTER TABLE that MariaDB logs in two phases. Its id is known, as a moment.
	Void bool
	// Unsure tells, where the changes of one row were asked for, that the transaction changed
	// its table, but whether it changed the row cannot be known.
	Unsure bool
}

// TableChange counts the rows of one table that a transaction changed.
type TableChange struct {
	Schema   string `json:"schema"`
	Table    string `json:"table"`
	Inserted int64  `json:"inserted"`
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted"`
}

// Rows is the number of changed rows.
func (c TableChange) Rows() int64 { return c.Inserted + c.Updated + c.Deleted }

// Add counts n rows.
func (c *TableChange) Add(v Verb, n int64) {
	switch v {
	case Insert:
		c.Inserted += n
	case Update:
		c.Updated += n
	case Delete:
		c.Deleted += n
	}
}

// Statement is a statement and the database that it ran in. Secrets in its text are
// masked.
type Statement struct {
	Schema string
	SQL    string
}

// Rows is the number of changed rows in all tables.
func (t *Transaction) Rows() (n int64) {
	for _, c := range t.Tables {
		n += c.Rows()
	}
	return n
}

// Count returns the counter for one table, and creates it if needed.
func (t *Transaction) Count(schema, table string) *TableChange {
	for i := range t.Tables {
		if t.Tables[i].Schema == schema && t.Tables[i].Table == table {
			return &t.Tables[i]
		}
	}
	t.Tables = append(t.Tables, TableChange{Schema: schema, Table: table})
	return &t.Tables[len(t.Tables)-1]
}

// Filter selects transactions.
type Filter struct {
	Schema   string    // only changes of this schema; "" for all
	Table    string    // TABLE or SCHEMA.TABLE
	Kind     Verb      // at least one row or statement of this kind
	RowsOver int64     // more rows than this
	Since    time.Time // zero for no limit
	Until    time.Time
}

// Takes reports whether a transaction matches.
func (f Filter) Takes(t *Transaction) bool {
	if !f.Since.IsZero() && t.Time.Before(f.Since) || !f.Until.IsZero() && !t.Time.Before(f.Until) {
		return false
	}
	rows := f.Weight(t)
	ddl := false
	for _, s := range t.DDL {
		ddl = ddl || f.takesStatement(s)
	}
	// A statement may have changed any number of rows.
	unknown := f.counts(t, func(s Statement) bool { return f.RowsOver == 0 || s.mayChangeRows() })
	if f.RowsOver > 0 && rows <= f.RowsOver && !unknown {
		return false
	}
	switch f.Kind {
	case DDL:
		return ddl
	case "":
		return rows > 0 || unknown || f.RowsOver == 0 && ddl
	}
	return rows > 0 || unknown
}

// counts reports whether a transaction has a statement that the filter selects, and also does.
func (f Filter) counts(t *Transaction, also func(Statement) bool) bool {
	return f.Kind != DDL && slices.ContainsFunc(t.Other, func(s Statement) bool {
		return f.takesStatement(s) && (f.Kind == "" || verbOf(s.SQL) == f.Kind) && also(s)
	})
}

// withoutRows are statements that change no rows of a table.
var withoutRows = pattern.New(`(?i)^(?:\s|/\*.*?\*/)*(?:GRANT|REVOKE|SET|FLUSH|ANALYZE|OPTIMIZE|REPAIR|RESET|INSTALL|` +
	`UNINSTALL)\b`)

func (s Statement) mayChangeRows() bool { return !withoutRows.MatchString(s.SQL) }

// RowsUnknown reports whether the log does not tell how many rows a transaction changed: it has
// statements instead of rows.
func (t *Transaction) RowsUnknown() bool {
	return slices.ContainsFunc(t.Other, Statement.mayChangeRows)
}

// RowsShown is the number of rows for people: "?" if it is not known, "3+" if only some are.
func (t *Transaction) RowsShown() string {
	switch n := t.Rows(); {
	case !t.RowsUnknown():
		return human.Count(n)
	case n > 0:
		return human.Count(n) + "+"
	}
	return "?"
}

// Statements reports whether a transaction has statements of the statement format, and
// statements that change definitions, that name the table. One that makes the table, empty,
// does not count: no row has a life before it.
func (f Filter) Statements(t *Transaction) (changes, definitions bool) {
	return slices.ContainsFunc(t.Other, f.takesStatement), slices.ContainsFunc(t.DDL, func(s Statement) bool {
		return f.takesStatement(s) && !makesEmptyTable(s.SQL)
	})
}

var (
	createTable = pattern.New(`(?is)^(?:\s|/\*.*?\*/)*CREATE\s+(?:TEMPORARY\s+)?TABLE\b`)
	selects     = pattern.New(`(?i)\bSELECT\b`)
)

// makesEmptyTable reports whether a statement makes a table that was not there, without rows:
// it changes no row.
func makesEmptyTable(sql string) bool {
	return createTable.MatchString(sql) && !selects.MatchString(sql)
}

func (c TableChange) of(v Verb) int64 {
	switch v {
	case Insert:
		return c.Inserted
	case Update:
		return c.Updated
	case Delete:
		return c.Deleted
	}
	return c.Rows()
}

func (f Filter) takesTable(schema, table string) bool {
	if f.Schema != "" && schema != f.Schema && f.Table == "" {
		return false
	}
	return f.Table == "" || Matches(schema, table, f.Table)
}

// takesStatement searches the text for the table's name as a word. If the table's database
// is given, the statement must have run in it, or name it too: without a current database
// every table is named with its own.
func (f Filter) takesStatement(s Statement) bool {
	if f.Table == "" {
		return f.Schema == "" || s.Schema == f.Schema || Mentions(s.SQL, f.Schema)
	}
	database, table, ok := strings.Cut(f.Table, ".")
	if !ok {
		return Mentions(s.SQL, f.Table)
	}
	return Mentions(s.SQL, table) && (s.Schema == database || Mentions(s.SQL, database))
}
