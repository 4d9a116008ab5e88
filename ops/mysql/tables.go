package mysql

import (
	"context"
)

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
