package swap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// foreignKey is one key with its columns in order.
type foreignKey struct {
	name, schema, table, parentSchema, parent string
	columns, refs                             []string
}

// foreignKeys are those from or to a schema.
func foreignKeys(ctx context.Context, q schema.Querier, in string) ([]foreignKey, error) {
	rows, err := schema.All(
		ctx,
		q,
		`SELECT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME
		FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND (TABLE_SCHEMA = ? OR REFERENCED_TABLE_SCHEMA = ?)
		ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
		in,
		in,
	)
	if err != nil {
		return nil, fmt.Errorf("list the foreign keys of %s: %w", in, err)
	}
	var out []foreignKey
	for _, r := range rows {
		last := len(out) - 1
		if last < 0 || out[last].name != r[0] || out[last].table != r[2] || out[last].schema != r[1] {
			out = append(out, foreignKey{name: r[0], schema: r[1], table: r[2], parentSchema: r[3], parent: r[4]})
			last++
		}
		out[last].columns, out[last].refs = append(out[last].columns, r[5]), append(out[last].refs, r[6])
	}
	return out, nil
}

// orphanQuery finds one row whose parent is missing.
func (k foreignKey) orphanQuery() string {
	var set, on []string
	for i, c := range k.columns {
		set = append(set, "c."+restore.Name(c)+" IS NOT NULL")
		on = append(on, "p."+restore.Name(k.refs[i])+" = c."+restore.Name(c))
	}
	return "SELECT 1 FROM " + restore.Name(k.schema, k.table) + " c WHERE " + strings.Join(set, " AND ") +
		" AND NOT EXISTS (SELECT 1 FROM " + restore.Name(k.parentSchema, k.parent) + " p WHERE " + strings.Join(on, " AND ") + ") LIMIT 1"
}

// closure adds to the chosen tables all that foreign keys bind them to, either
// way, and those that are bound to these.
func closure(chosen []string, keys []foreignKey) []string {
	out := slices.Clone(chosen)
	for grown := true; grown; {
		grown = false
		for _, k := range keys {
			if k.schema != k.parentSchema {
				continue
			}
			for _, pair := range [][2]string{{k.table, k.parent}, {k.parent, k.table}} {
				if has(out, pair[0]) && !has(out, pair[1]) {
					out, grown = append(out, pair[1]), true
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
