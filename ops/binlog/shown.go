package binlog

// Query is what is looked for in a log.
type Query struct {
	Filter
	Limit int // 0 for all
	// Key is a row's primary key, a text for each of its columns; nil for all rows.
	// Table must be set.
	Key []string
	// Largest asks for the transactions that changed most rows, those first, instead of
	// the newest.
	Largest bool
}

// ShownRow is one row change as people read it. A column whose name is not known is
// called @1, @2 and so on, as the servers' own tools do.
type ShownRow struct {
	Schema string
	Table  string
	Verb   Verb
	Key    []string // the primary key; nil when it is not known
	Before string   // the row as a JSON object; "" when it was not there
	After  string   // "" when it is not there any more
}

// Weight is how many rows a transaction changed that a filter counts.
func (f Filter) Weight(t *Transaction) (rows int64) {
	for _, c := range t.Tables {
		if f.takesTable(c.Schema, c.Table) {
			rows += c.of(f.Kind)
		}
	}
	return rows
}
