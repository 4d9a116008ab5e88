package mysql

import (
	"context"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// LeftOut asks a server that has a binary log what it leaves out of it.
//
// MySQL Reference Manual, "SHOW BINARY LOG STATUS Statement"; before 8.2, and in MariaDB,
// it is SHOW MASTER STATUS.
func LeftOut(ctx context.Context, q schema.Querier) (binlog.LeftOut, error) {
	if err := RefuseBlocked(ctx, q, Target{}); err != nil {
		return binlog.LeftOut{}, err // it does not answer what follows either
	}
	rows, err := schema.All(ctx, q, "SHOW MASTER STATUS")
	if err != nil {
		var now error
		if rows, now = schema.All(ctx, q, "SHOW BINARY LOG STATUS"); now != nil {
			return binlog.LeftOut{}, err
		}
	}
	l := binlog.LeftOut{Applied: appliesUnlogged(ctx, q)}
	if len(rows) > 0 && len(rows[0]) > 3 {
		l.Do, l.Ignore = names(rows[0][2]), names(rows[0][3])
	}
	return l, nil
}

// names are those of a list that a server prints with commas.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// appliesUnlogged names the variable by which a replica does not log what it applies; ""
// where it does, or is none.
func appliesUnlogged(ctx context.Context, q schema.Querier) string {
	name := "log_replica_updates"
	on, err := schema.One(ctx, q, "SELECT @@GLOBAL."+name)
	if err != nil { // before MySQL 8.0.26, and in MariaDB
		name = "log_slave_updates"
		on, err = schema.One(ctx, q, "SELECT @@GLOBAL."+name)
	}
	if err != nil || on != "0" || !isReplica(ctx, q) {
		return ""
	}
	return name
}

// isReplica tells whether the server replicates from another. MariaDB shows all of its
// connections only with ALL; a user who may not see them is told how many of them run.
func isReplica(ctx context.Context, q schema.Querier) bool {
	for _, show := range []string{"SHOW ALL SLAVES STATUS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"} {
		if rows, err := schema.All(ctx, q, show); err == nil {
			return len(rows) > 0
		}
	}
	rows, err := schema.All(ctx, q, "SHOW GLOBAL STATUS LIKE 'Slaves_running'")
	return err == nil && len(rows) > 0 && rows[0][1] != "0"
}
