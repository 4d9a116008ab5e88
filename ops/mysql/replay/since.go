package replay

import (
	"context"
	"slices"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// Since counts what the log holds of a database after a backup, and finds the newest
// transaction that dropped it or one of some tables.
func Since(ctx context.Context, run *changes.Run, database string, tables []string) (restore.Logged, error) {
	var out restore.Logged
	sum := format.Summary{Done: func(t *binlog.Transaction) error {
		if t.RolledBack || t.GTID != "" && contains(run.Done, t.GTID) {
			return nil
		}
		ours := func(s binlog.Statement) bool { return s.Schema == database || binlog.Mentions(s.SQL, database) }
		hit := slices.ContainsFunc(t.DDL, ours) || slices.ContainsFunc(t.Other, ours)
		rows := int64(0)
		for _, c := range t.Tables {
			if c.Schema == database {
				hit = true
				rows += c.Rows()
			}
		}
		if drop := t.Drop(database); drop != "" && (binlog.Mentions(drop, database) ||
			slices.ContainsFunc(tables, func(name string) bool { return binlog.Mentions(drop, name) })) {
			out.Drop = t.ID
			return nil
		}
		if hit {
			out.Transactions++
			out.Rows += rows
		}
		return nil
	}}
	opens := func(binlog.Place, *format.Format) error { return nil }
	return out, run.Each(ctx, run.From, opens, sum.Take)
}
