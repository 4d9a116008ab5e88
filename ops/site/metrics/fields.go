package metrics

import (
	"time"

	"opsdeck/ops/health"
)

// fieldGauge is a metric that is a field of a check's result. A field that the
// result does not have, or that is unknown, gives no value.
type fieldGauge struct {
	family *family
	field  string
	scale  float64 // what the field is multiplied with to get the base unit
	// needs is a field that is above 0 wherever the value is known: a probe gives 0
	// for what a server leaves out. "" for none.
	needs string
}

func (g fieldGauge) read(r health.Result) (float64, bool) {
	if g.needs != "" {
		if n, ok := number(r.Field(g.needs)); !ok || n <= 0 {
			return 0, false
		}
	}
	n, ok := number(r.Field(g.field))
	return n * g.scale, ok
}

// number is a field's value as a number; false when it is unknown or none.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		return truth(v), true
	case time.Time:
		return unix(v), !v.IsZero()
	}
	return 0, false
}

const milli = 1e-3 // from the _ms of the fields to seconds

func field(name string, scale float64, metric, help string) fieldGauge {
	return fieldGauge{family: gauge(metric, help, "service", "check"), field: name, scale: scale}
}

func total(name, metric, help string) fieldGauge {
	return fieldGauge{family: counter(metric, help, "service", "check"), field: name, scale: 1}
}

// given is g where the other field is known.
func (g fieldGauge) given(other string) fieldGauge {
	g.needs = other
	return g
}

// fieldGauges are the metrics of each kind of check.
var fieldGauges = map[health.Kind][]fieldGauge{
	health.KindMySQL: {
		field("uptime_ms", milli, "opsdeck_mysql_uptime_seconds",
			"Time since the server was started.").given("threads_connected"),
		field("threads_connected", 1, "opsdeck_mysql_threads_connected",
			"Open connections.").given("threads_connected"),
		field("threads_running", 1, "opsdeck_mysql_threads_running",
			"Connections that run a statement.").given("threads_running"),
		field("max_connections", 1, "opsdeck_mysql_connections_limit",
			"The variable max_connections.").given("max_connections"),
		field("max_used_connections", 1, "opsdeck_mysql_connections_peak",
			"Most connections at a time since the start.").given("max_used_connections"),
		total("slow_queries", "opsdeck_mysql_slow_queries_total",
			"Statements slower than long_query_time.").given("threads_connected"),
		field("transactions", 1, "opsdeck_mysql_transactions", "Open InnoDB transactions."),
		field("oldest_transaction_ms", milli, "opsdeck_mysql_oldest_transaction_seconds",
			"Age of the oldest open InnoDB transaction."),
		field("lock_waits", 1, "opsdeck_mysql_lock_waits", "InnoDB transactions that wait for a lock."),
		field("metadata_lock_waits", 1, "opsdeck_mysql_metadata_lock_waits", "Sessions that wait for a metadata lock."),
		field("long_queries", 1, "opsdeck_mysql_long_queries",
			"Statements that run for longer than health.long_transaction."),
		field("read_only", 1, "opsdeck_mysql_read_only", "Whether the server is read-only."),
		field("replication_lag_ms", milli, "opsdeck_mysql_replication_lag_seconds",
			"How far the replica is behind its source; absent when it is no replica, or the server does not know."),
	},
	health.KindRedis: {
		field("uptime_ms", milli, "opsdeck_redis_uptime_seconds",
			"Time since the server was started.").given("used_memory_bytes"),
		field("clients", 1, "opsdeck_redis_clients", "Connected clients.").given("used_memory_bytes"),
		field("used_memory_bytes", 1, "opsdeck_redis_memory_used_bytes", "Memory in use.").given("used_memory_bytes"),
		total("evicted_keys", "opsdeck_redis_evicted_keys_total",
			"Keys dropped because memory was full.").given("used_memory_bytes"),
		total("rejected_connections", "opsdeck_redis_rejected_connections_total",
			"Connections refused by the limit.").given("used_memory_bytes"),
	},
	health.KindDisk: {
		field("size_bytes", 1, "opsdeck_disk_size_bytes", "Size of the file system."),
		field("free_bytes", 1, "opsdeck_disk_free_bytes", "Free space of the file system."),
		field("full_in_ms", milli, "opsdeck_disk_full_in_seconds",
			"Time until the file system is full at the present rate; absent when it does not fill up."),
	},
	health.KindProcess: {
		field("memory_bytes", 1, "opsdeck_process_memory_bytes", "Resident memory of the service's processes."),
		field("instances_running", 1, "opsdeck_process_instances_running",
			"Instances that run, where there are several."),
		total("restarts", "opsdeck_process_restarts_total",
			"Restarts as the process manager counts them.").given("started_at"),
	},
	health.KindTLS: {
		field("not_after", 1, "opsdeck_tls_certificate_expiry_timestamp_seconds",
			"When the service's certificate expires."),
	},
	health.KindClock: {
		field("skew_ms", milli, "opsdeck_clock_skew_seconds", "Difference between this clock and the service's."),
	},
	health.KindLog: {
		field("total_bytes", 1, "opsdeck_log_files_bytes", "Size of the live and rotated log files."),
		field("written_at", 1, "opsdeck_log_written_timestamp_seconds", "When a log file was written to last."),
	},
}

var replicationRunning = gauge("opsdeck_mysql_replication_running",
	"Whether every channel receives and applies; absent when the server is no replica.", "service", "check")

// replication tells whether all channels run; known is false for a server that is
// no replica, or does not say.
func replication(r health.Result) (running, known bool) {
	running = true
	for _, f := range r.Fields {
		if said, ok := f.Value.(string); f.Name == "replication" && ok && said != "none" {
			known = true
			running = running && said == "Yes/Yes"
		}
	}
	return running, known
}
