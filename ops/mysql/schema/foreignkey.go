package schema

import (
	"context"
	"fmt"
	"strings"
)

// ForeignKey is one foreign key, its columns in order beside those that they refer to.
type ForeignKey struct {
	Name           string
	Database       string
	Table          string
	ParentDatabase string
	Parent         string
	Columns        []string
	Refs           []string

	OnDelete, OnUpdate string // of HiddenKeys alone
}

// ForeignKeys are those from or to a database's tables.
func ForeignKeys(ctx context.Context, q Querier, database string) ([]ForeignKey, error) {
	rows, err := All(
		ctx,
		q,
		`SELECT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME
		FROM information_schema.KEY_COLUMN_USAGE
			WHERE REFERENCED_TABLE_NAME IS NOT NULL AND (TABLE_SCHEMA = ? OR REFERENCED_TABLE_SCHEMA = ?)
		ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
		database,
		database,
	)
	if err != nil {
		return nil, fmt.Errorf("list the foreign keys of %s: %w", database, err)
	}
	var out []ForeignKey
	for _, r := range rows {
		last := len(out) - 1
		if last < 0 || out[last].Name != r[0] || out[last].Table != r[2] || out[last].Database != r[1] {
			out = append(out, ForeignKey{Name: r[0], Database: r[1], Table: r[2], ParentDatabase: r[3], Parent: r[4]})
			last++
		}
		out[last].Columns = append(out[last].Columns, r[5])
		out[last].Refs = append(out[last].Refs, r[6])
	}
	return out, nil
}

// Orphans counts the rows whose parent is missing. A NULL refers to nothing.
func (k ForeignKey) Orphans(ctx context.Context, q Querier) (int64, error) {
	var set, on []string
	for i, c := range k.Columns {
		set = append(set, "c."+Ident(c)+" IS NOT NULL")
		on = append(on, "p."+Ident(k.Refs[i])+" = c."+Ident(c))
	}
	text, err := One(ctx, q, "SELECT COUNT(*) FROM "+Name(k.Database, k.Table)+" c WHERE "+strings.Join(set, " AND ")+
		" AND NOT EXISTS (SELECT 1 FROM "+Name(k.ParentDatabase, k.Parent)+" p WHERE "+strings.Join(on, " AND ")+")")
	if err != nil {
		return 0, err
	}
	var n int64
	_, err = fmt.Sscan(text, &n)
	return n, err
}
