package statusview

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/health"
)

// labels are the names of fields for people; a test holds that each field that a
// check adds has one.
var labels = map[string]lang.Msg{
	"http_status":           lang.M("HTTP status"),
	"error_share":           lang.M("share of 5xx responses"),
	"answers":               lang.M("number of responses"),
	"p95_ms":                lang.M("P95 response time"),
	"resident_bytes":        lang.M("resident memory"),
	"rows":                  lang.M("rows"),
	"share":                 lang.M("difference"),
	"lag_ms":                lang.M("lag"),
	"plan":                  lang.M("plan"),
	"status":                lang.M("status"),
	"message":               lang.M("message"),
	"uptime_ms":             lang.M("running"),
	"name":                  lang.M("name"),
	"version":               lang.M("version"),
	"description":           lang.M("description"),
	"environment":           lang.M("environment"),
	"names":                 lang.M("names"),
	"issuer":                lang.M("issuer"),
	"not_before":            lang.M("valid from"),
	"not_after":             lang.M("valid until"),
	"days_left":             lang.M("days left"),
	"skew_ms":               lang.M("difference"),
	"flavour":               lang.M("server"),
	"read_only":             lang.M("read-only"),
	"slow_query_log":        lang.M("slow query log"),
	"long_query_time_s":     lang.M("slow query limit"),
	"threads_running":       lang.M("threads running"),
	"threads_connected":     lang.M("connections"),
	"slow_queries":          lang.M("slow queries"),
	"max_used_connections":  lang.M("peak connections"),
	"max_connections":       lang.M("connections allowed"),
	"transactions":          lang.M("open transactions"),
	"oldest_transaction_ms": lang.M("oldest transaction"),
	"lock_waits":            lang.M("lock waits"),
	"metadata_lock_waits":   lang.M("metadata lock waits"),
	"detached_xa":           lang.M("prepared XA without a session"),
	"slow_ms":               lang.M("answered in"),
	"replication":           lang.M("replication"),
	"replication_lag_ms":    lang.M("replication lag"),
	"info":                  lang.M("INFO of Redis"),
	"clients":               lang.M("clients"),
	"used_memory_bytes":     lang.M("memory used"),
	"max_memory_bytes":      lang.M("memory allowed"),
	"evicted_keys":          lang.M("evicted keys"),
	"rejected_connections":  lang.M("connections rejected"),
	"pid":                   lang.M("process id"),
	"started_at":            lang.M("runs since"),
	"instances_running":     lang.M("instances running"),
	"restarts":              lang.M("restarts"),
	"memory_bytes":          lang.M("memory"),
	"cpu_share":             lang.M("CPU"),
	"path":                  lang.M("folder"),
	"mount":                 lang.M("file system"),
	"size_bytes":            lang.M("size"),
	"free_bytes":            lang.M("free"),
	"free_share":            lang.M("free share"),
	"free_inodes":           lang.M("free inodes"),
	"full_in_ms":            lang.M("full in"),
	"next_backup_bytes":     lang.M("next backup"),
	"missing":               lang.M("missing"),
	"writable":              lang.M("writable"),
	"removed_by":            lang.M("removed by"),
	"kept":                  lang.M("good backups here"),
	"there":                 lang.M("of them at the copy"),
	"bad_there":             lang.M("bad backups at the copy"),
	"bad_binlog_there":      lang.M("damaged pieces of the binlog at the copy"),
	"database_exists":       lang.M("the database exists"),
	"last_attempt":          lang.M("last attempt"),
	"newest_there":          lang.M("newest good backup there"),
	"verified":              lang.M("verified"),
	"created_at":            lang.M("made at"),
	"last_scheduled_run":    lang.M("last run was due"),
	"newer_bad":             lang.M("bad backups, newer"),
	"total_bytes":           lang.M("total size"),
	"written_at":            lang.M("written at"),
	"largest_bytes":         lang.M("largest live file"),
	"rotated_files":         lang.M("rotated files"),
	"older_bad":             lang.M("bad backups, older"),
	"trouble":               lang.M("newest problem in the logs"),
	"trouble_at":            lang.M("problem at"),
	"emptied_tables":        lang.M("tables emptied since"),
	"missing_tables":        lang.M("tables missing"),
	"expected_tables":       lang.M("tables expected"),
	"tables":                lang.M("tables"),
	"long_queries":          lang.M("long queries"),
	"id":                    lang.M("ID"),
	"port_taken_by":         lang.M("port taken by"),
	"step":                  lang.M("step"),
	"place":                 lang.M("position"),
	"applied_to":            lang.M("applied up to"),
	"checked_at":            lang.M("last compared"),
	"operator":              lang.M("operator"),
	"done_share":            lang.M("done"),
	"waits_since":           lang.M("waiting since"),
	"watch_running":         lang.M("watching runs"),
}

// prefixed are the fields whose names end in a name from the configuration.
var prefixed = []struct {
	prefix string
	label  func(name string) lang.Msg
}{
	{"alert_", func(name string) lang.Msg { return lang.M("alert %s", name) }},
	{"undelivered_", func(name string) lang.Msg { return lang.M("not delivered to %s", name) }},
	{"last_", func(name string) lang.Msg { return lang.M("last %s", name) }},
	{"checks.", func(name string) lang.Msg { return lang.Raw(name) }}, // as the service itself writes it
}

// label is a field's name as people write it.
func (p *look) label(f health.Field) string {
	if m, ok := labels[f.Name]; ok {
		return p.env.Lang.Msg(m)
	}
	for _, x := range prefixed {
		if name, ok := strings.CutPrefix(f.Name, x.prefix); ok {
			return p.env.Lang.Msg(x.label(termsafe.Line(name)))
		}
	}
	return termsafe.Line(f.Name)
}
