package mysql

import (
	"context"
	"fmt"
	"strings"
)

// emptyBatch is how many tables one question looks into.
const emptyBatch = 50

// EmptyOf tells which of the named tables of a database hold no row, exactly: it looks
// for one row of each, and counts none.
func EmptyOf(ctx context.Context, t Target, database string, tables []string) (empty []string, err error) {
	if len(tables) == 0 {
		return nil, nil
	}
	db, err := Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for len(tables) > 0 {
		batch := tables[:min(emptyBatch, len(tables))]
		tables = tables[len(batch):]
		var asks []string
		for i, name := range batch {
			asks = append(
				asks,
				fmt.Sprintf(
					"SELECT %d FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM %s.%s)",
					i,
					backquoted(database),
					backquoted(name),
				),
			)
		}
		rows, err := db.QueryContext(ctx, strings.Join(asks, " UNION ALL "))
		if err != nil {
			return nil, Explain(err, t)
		}
		for rows.Next() {
			var i int
			if err := rows.Scan(&i); err != nil {
				rows.Close()
				return nil, err
			}
			empty = append(empty, batch[i])
		}
		if err := rows.Err(); err != nil {
			return nil, Explain(err, t)
		}
	}
	return empty, nil
}

func backquoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
