package mysql

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/ops/deploy"
	"opsdeck/ops/mysql/schema"
)

// Structure reads what a database holds: the tables with their columns, indexes, and how
// many rows and values each has, counted one by one; and the names of all else.
func Structure(ctx context.Context, t Target, database string) (deploy.Structure, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	l := &look{ctx: ctx, db: db, probe: Probe{Target: t}}
	out := deploy.Structure{}
	tables, err := l.column("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE "+
		"IN ('BASE TABLE', 'SYSTEM VERSIONED')", database)
	if err != nil {
		return nil, Explain(err, t)
	}
	for _, name := range tables {
		out[name] = deploy.Table{Columns: map[string]string{}, Indexes: map[string]string{}, Rows: -1}
	}
	rows, err := l.rows("SELECT TABLE_NAME AS t, COLUMN_NAME AS c, CONCAT(COLUMN_TYPE, IF(IS_NULLABLE = 'YES', ' "+
		"NULL', ' NOT NULL'), IFNULL(CONCAT(' DEFAULT ', COLUMN_DEFAULT), ''), IFNULL(CONCAT(' ', COLLATION_NAME), "+
		"''), ' ', EXTRA) AS kind FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?", database)
	if err != nil {
		return nil, Explain(err, t)
	}
	for _, r := range rows {
		if table, is := out[r["t"]]; is {
			table.Columns[r["c"]] = r["kind"]
		}
	}
	for name, table := range out {
		if err := l.countValues(database, name, &table); err != nil {
			return nil, Explain(err, t)
		}
		out[name] = table
	}
	held, err := schema.Inventory(ctx, db, database)
	if err != nil {
		return nil, Explain(err, t)
	}
	for _, object := range held {
		if table, is := strings.CutPrefix(object, "table "); is && has(out, table) {
			continue
		}
		out[deploy.ObjectKey(object)] = deploy.Table{Object: object, Rows: -1}
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

func has(s deploy.Structure, name string) bool {
	_, is := s[name]
	return is
}

// countValues counts the rows of a table, and of each column the values that are not NULL,
// in one reading. Generated columns hold nothing of their own.
func (l *look) countValues(database, name string, table *deploy.Table) error {
	var columns, counts []string
	for column, kind := range table.Columns {
		if !strings.Contains(kind, "GENERATED") || strings.Contains(kind, "DEFAULT_GENERATED") {
			counts = append(counts, fmt.Sprintf("COUNT(%s) AS c%d", schema.Ident(column), len(columns)))
			columns = append(columns, column)
		}
	}
	counts = append(counts, "COUNT(*) AS n")
	row, err := l.row("SELECT " + strings.Join(counts, ", ") + " FROM " + schema.Name(database, name))
	if err != nil {
		return err
	}
	table.Rows = number(row["n"])
	table.Values = map[string]int64{}
	for i, column := range columns {
		table.Values[column] = number(row[fmt.Sprint("c", i)])
	}
	return nil
}
