package rewind

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
)

// AlteredError says that a table's definition was changed after a transaction: its row
// images may not be read by the columns of today.
type AlteredError struct {
	Table string
	ID    string // of the statement's transaction
	SQL   string
}

func (e *AlteredError) Error() string {
	return fmt.Sprintf("the table %s was changed since, by %s: %s", e.Table, e.ID, e.SQL)
}

// unaltered refuses where the log holds a statement that changed the definition of a
// table of the plan after the first of the transactions.
func (p *Plan) unaltered(ctx context.Context, src *changes.Source, first *binlog.Transaction) error {
	q := changes.Query{Query: binlog.Query{Filter: binlog.Filter{
		Schema: p.Database,
		Kind:   binlog.DDL,
		Since:  first.Time,
	}}}
	from := binlog.Position{File: first.File, Pos: first.Pos}
	return src.List(ctx, q, func(t *binlog.Transaction) error {
		if (binlog.Position{File: t.File, Pos: t.Pos}).Before(from) && !t.Time.After(first.Time) {
			return nil
		}
		for _, s := range t.DDL {
			for name := range p.tables {
				if alters(s.SQL) && binlog.Mentions(s.SQL, name) {
					return &AlteredError{Table: name, ID: t.ID, SQL: s.SQL}
				}
			}
		}
		return nil
	})
}

// alters tells whether a statement may change the definition of a table.
func alters(sql string) bool {
	words := strings.Fields(strings.ToUpper(sql))
	for i, w := range words {
		switch {
		case w == "TABLE" || w == "TABLES":
			return words[0] != "TRUNCATE"
		case i > 5 || w == "VIEW" || w == "TRIGGER" || w == "PROCEDURE" || w == "FUNCTION" || w == "EVENT":
			return false
		}
	}
	return false
}
