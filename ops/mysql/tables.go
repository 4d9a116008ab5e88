package mysql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// HasDatabase tells whether there is a database of that name that the user may see.
func HasDatabase(ctx context.Context, t Target, database string) (bool, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return false, err
	}
	defer db.Close()
	var n int
	query := "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?"
	if err := db.QueryRowContext(ctx, query, database).Scan(&n); err != nil {
		return false, Explain(err, t)
	}
	return n > 0, nil
}

// StoredNames are names as they would be stored: in lower case where the server does not tell
// their case apart.
func StoredNames(ctx context.Context, t Target, names []string) ([]string, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	folds, err := schema.FoldsNames(ctx, db)
	if err != nil {
		return nil, Explain(err, t)
	}
	stored := slices.Clone(names)
	for i := range stored {
		if folds {
			stored[i] = strings.ToLower(stored[i])
		}
	}
	return stored, nil
}

// MissingTable is the first of these tables or sequences that a database does not have; "" if it
// has all of them.
func MissingTable(ctx context.Context, t Target, database string, names ...string) (string, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return "", err
	}
	defer db.Close()
	if folds, err := schema.FoldsNames(ctx, db); err == nil && folds {
		names = strings.Split(strings.ToLower(strings.Join(names, "\x00")), "\x00")
	}
	_, err = schema.Tables(ctx, db, database, names...)
	if none := (*schema.NoTableError)(nil); errors.As(err, &none) {
		return none.Name, nil
	}
	if err != nil {
		return "", Explain(err, t)
	}
	return "", nil
}

// Tables lists the base tables of a database, system-versioned ones too.
func Tables(ctx context.Context, t Target, database string) ([]string, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(
		ctx,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE IN ('BASE TABLE', "+
			"'SYSTEM VERSIONED') ORDER BY TABLE_NAME",
		database,
	)
	if err != nil {
		return nil, Explain(err, t)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, Explain(rows.Err(), t)
}
