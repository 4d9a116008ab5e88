package replay

import (
	"slices"
	"strings"

	"opsdeck/ops/mysql/binlog"
)

// leftOut are settings of MariaDB that are left out of SET STATEMENT … FOR when a statement is
// replayed: they limit how long it may take or wait, or need rights that a replay does without,
// and change nothing of its result. A name ending in "_" means all that begin with it.
var leftOut = []string{
	"max_statement_time", "lock_wait_timeout", "innodb_lock_wait_timeout", "long_query_time", "min_examined_row_limit",
	"binlog_", "gtid_", "server_id", "sql_log_bin", "skip_replication", "slow_query_", "log_", "profiling",
	"pseudo_", "wsrep_",
}

// withSettings is the SET STATEMENT … FOR for a statement that was logged with one; "" without.
func withSettings(q *binlog.Query) string {
	var keep []string
	for _, s := range q.Settings {
		name, _, _ := strings.Cut(s, "=")
		name = strings.ToLower(strings.Trim(name, " \t\r\n:`"))
		if !slices.ContainsFunc(leftOut, func(l string) bool {
			return name == l || strings.HasSuffix(l, "_") && strings.HasPrefix(name, l)
		}) {
			keep = append(keep, s)
		}
	}
	if len(keep) == 0 {
		return ""
	}
	return "SET STATEMENT " + strings.Join(keep, ", ") + " FOR "
}
