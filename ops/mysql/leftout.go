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

// appliesUnlogged tells whether the server is a replica that does not log what it applies.
func appliesUnlogged(ctx context.Context, q schema.Querier) bool {
	on, err := schema.One(ctx, q, "SELECT @@GLOBAL.log_replica_updates")
	if err != nil { // before MySQL 8.0.26, and in MariaDB
		on, err = schema.One(ctx, q, "SELECT @@GLOBAL.log_slave_updates")
	}
	if err != nil || on != "0" {
		return false
	}
	for _, show := range []string{"SHOW REPLICA STATUS", "SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS"} {
		if rows, err := schema.All(ctx, q, show); err == nil {
			return len(rows) > 0
		}
	}
	return false
}
