package binlog

import "math"

// Query selects transactions in a log.
type Query struct {
	Filter
	Limit int // 0 means all
	// Key is a row's primary key, one text per column; nil for all rows. Table must be set.
	Key []string
	// Largest requests the transactions that changed most rows, largest first, instead of the
	// newest.
	Largest bool
}

// ShownRow is one row change in readable form. A column without a known name is called @1,
// @2 and so on, as in the servers' own tools.
type ShownRow struct {
	Schema string
	Table  string
	Verb   Verb
	Key    []string // the primary key; nil if unknown
	Before string   // the row as a JSON object; "" when it was not there
	After  string   // "" when it is not there any more
}

// Weight is the number of rows in a transaction that a filter counts.
func (f Filter) Weight(t *Transaction) (rows int64) {
	for _, c := range t.Tables {
		if f.takesTable(c.Schema, c.Table) {
			rows += c.of(f.Kind)
		}
	}
	return rows
}

// Rank is the Weight of a transaction in an order by size. One with statements, whose rows the
// log does not tell, may be larger than any other.
func (f Filter) Rank(t *Transaction) int64 {
	if f.counts(t, Statement.mayChangeRows) {
		return math.MaxInt64
	}
	return f.Weight(t)
}
