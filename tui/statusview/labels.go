package statusview

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/health"
)

// labels are the names of fields for people, where JSON's names are not plain
// enough in any language.
var labels = map[string]lang.Msg{
	"http_status": lang.M(
		"HTTP status",
	), "status": lang.M("status"), "message": lang.M("message"), "uptime_ms": lang.M("runs"),
	"name": lang.M(
		"name",
	), "version": lang.M("version"), "description": lang.M("description"), "environment": lang.M("environment"),
	"names": lang.M(
		"names",
	), "issuer": lang.M("issuer"), "not_before": lang.M("valid from"), "not_after": lang.M("valid until"),
	"days_left": lang.M("days left"), "skew_ms": lang.M("difference"),
	"flavour": lang.M("server"), "read_only": lang.M("read-only"), "slow_query_log": lang.M("slow query log"),
	"long_query_time_s": lang.M(
		"slow from",
	), "threads_running": lang.M("threads running"), "threads_connected": lang.M("connections"),
	"slow_queries": lang.M(
		"slow queries",
	), "max_used_connections": lang.M("connections at most so far"), "max_connections": lang.M("connections allowed"),
	"transactions": lang.M(
		"open transactions",
	), "oldest_transaction_ms": lang.M("oldest transaction"), "lock_waits": lang.M("lock waits"),
	"metadata_lock_waits": lang.M(
		"metadata lock waits",
	), "slow_ms": lang.M("answered in"), "replication": lang.M("replication"), "replication_lag_ms": lang.M("replication lag"),
	"clients": lang.M(
		"clients",
	), "used_memory_bytes": lang.M("memory used"), "max_memory_bytes": lang.M("memory allowed"),
	"evicted_keys": lang.M("keys dropped"), "rejected_connections": lang.M("connections rejected"),
	"pid": lang.M("process id"), "started_at": lang.M("runs since"), "instances_running": lang.M("instances running"),
	"restarts": lang.M("restarts"), "memory_bytes": lang.M("memory"), "cpu_share": lang.M("CPU"),
	"path": lang.M(
		"folder",
	), "mount": lang.M("file system"), "size_bytes": lang.M("size"), "free_bytes": lang.M("free"),
	"free_share": lang.M(
		"free share",
	), "free_inodes": lang.M("free inodes"), "full_in_ms": lang.M("full in"), "missing": lang.M("missing"),
	"verified": lang.M(
		"verified",
	), "created_at": lang.M("made at"), "last_scheduled_run": lang.M("last scheduled run"), "newer_bad": lang.M("newer ones not usable"),
	"total_bytes": lang.M(
		"all together",
	), "written_at": lang.M("written at"), "largest_bytes": lang.M("largest live file"), "rotated_files": lang.M("rotated files"),
}

// label is a field's name as people write it; the keys of a service's own
// readiness checks stay as the service writes them.
func (p *look) label(f health.Field) string {
	if m, ok := labels[f.Name]; ok {
		return p.env.Lang.Msg(m)
	}
	return termsafe.Line(strings.TrimPrefix(f.Name, "checks."))
}
