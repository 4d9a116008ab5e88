package mysql

import (
	"context"

	"opsdeck/ops/deploy"
	"opsdeck/ops/mysql/schema"
)

// Structure reads the tables of a database: columns, indexes and how many rows each
// has, counted one by one.
func Structure(ctx context.Context, t Target, database string) (deploy.Structure, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	l := &look{ctx: ctx, db: db, probe: Probe{Target: t}}
	out := deploy.Structure{}
	tables, err := l.column("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE IN "+
		"('BASE TABLE', 'SYSTEM VERSIONED')", database)
	if err != nil {
		return nil, Explain(err, t)
	}
	for _, name := range tables {
		n, err := l.row("SELECT COUNT(*) AS n FROM " + schema.Name(database, name))
		if err != nil {
			return nil, Explain(err, t)
		}
		out[name] = deploy.Table{Columns: map[string]string{}, Indexes: map[string]string{}, Rows: number(n["n"])}
	}
	rows, err := l.rows("SELECT TABLE_NAME AS t, COLUMN_NAME AS c, CONCAT(COLUMN_TYPE, IF(IS_NULLABLE = 'YES', ' NULL', "+
		"' NOT NULL'), IFNULL(CONCAT(' DEFAULT ', COLUMN_DEFAULT), ''), IFNULL(CONCAT(' ', COLLATION_NAME), ''), ' ', "+
		"EXTRA) AS kind FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?", database)
	if err != nil {
		return nil, Explain(err, t)
	}
	for _, r := range rows {
		if table, is := out[r["t"]]; is {
			table.Columns[r["c"]] = r["kind"]
		}
	}
	rows, err = l.rows("SELECT TABLE_NAME AS t, INDEX_NAME AS i, COLUMN_NAME AS c FROM information_schema.STATISTICS "+
		"WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", database)
	for _, r := range rows {
		if table, is := out[r["t"]]; is {
			table.Indexes[r["i"]] += " " + r["c"]
		}
	}
	return out, Explain(err, t)
}
