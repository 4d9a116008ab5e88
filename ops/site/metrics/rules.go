package metrics

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

// Rule is one alerting rule of Prometheus.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"` // "2m"
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// group is a group of rules of Prometheus.
type group struct {
	Name  string `yaml:"name"`
	Rules []Rule `yaml:"rules"`
}

func rule(name, severity string, hold time.Duration, expr, summary, next string) Rule {
	r := Rule{
		Alert:       name,
		Expr:        expr,
		Labels:      map[string]string{"severity": severity},
		Annotations: map[string]string{"summary": summary, "description": next},
	}
	if hold > 0 {
		r.For = fmt.Sprintf("%dm", int(hold.Minutes()))
	}
	return r
}

// rules are the alerting rules: those about what opsdeck tells, and those of a
// service that has metrics of its own (FIELD.md, "Later builds").
func rules() []group {
	return []group{
		{Name: "opsdeck", Rules: ownRules()},
		{Name: "opsdeck-backup", Rules: backupRules()},
		{Name: "opsdeck-service", Rules: serviceRules()},
	}
}

// RulesYAML is a file for rule_files of Prometheus.
func RulesYAML() ([]byte, error) {
	body, err := yaml.Marshal(struct {
		Groups []group `yaml:"groups"`
	}{rules()})
	if err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	return append([]byte("# Alerting rules for Prometheus, of opsdeck serve --print-rules.\n"), body...), nil
}

func ownRules() []Rule {
	return []Rule{
		rule("OpsdeckAbsent", "critical", 5*time.Minute, `absent(opsdeck_build_info)`,
			"opsdeck serve is not scraped", "Check with: systemctl status opsdeck-serve"),
		rule("OpsdeckCheckCritical", "critical", time.Minute,
			`opsdeck_check_state{state="critical",kind!="backup"} == 1`,
			"{{ $labels.service }}: the check {{ $labels.check }} is critical", "Run: opsdeck status"),
		rule("OpsdeckCheckWarning", "warning", 15*time.Minute,
			`opsdeck_check_state{state="warning"} == 1`,
			"{{ $labels.service }}: the check {{ $labels.check }} warns", "Run: opsdeck status"),
		rule("OpsdeckCheckUnknown", "warning", 15*time.Minute,
			`opsdeck_check_state{state="unknown"} == 1`,
			"{{ $labels.service }}: the check {{ $labels.check }} finds nothing out",
			"Run: opsdeck status, opsdeck doctor"),
		rule("OpsdeckTargetDown", "critical", time.Minute, `opsdeck_check_up == 0`,
			"{{ $labels.service }}: {{ $labels.check }} does not answer", "Run: opsdeck status"),
		rule("OpsdeckLookFails", "warning", 15*time.Minute, `opsdeck_look_success == 0`,
			"{{ $labels.service }}: opsdeck cannot read {{ $labels.look }}", "Run: opsdeck doctor"),
		rule("OpsdeckLookStale", "warning", 5*time.Minute, `opsdeck_look_age_seconds > 900`,
			"{{ $labels.service }}: what opsdeck tells of {{ $labels.look }} is old", "Run: opsdeck doctor"),
		rule("MySQLConnectionsNearLimit", "warning", 5*time.Minute,
			`opsdeck_mysql_threads_connected / opsdeck_mysql_connections_limit > 0.8`,
			"{{ $labels.service }}: {{ $value | humanizePercentage }} of max_connections are in use",
			`Run: opsdeck status; mysql -e "SHOW FULL PROCESSLIST"`),
		rule("MySQLReplicationStopped", "critical", time.Minute, `opsdeck_mysql_replication_running == 0`,
			"{{ $labels.service }}: replication has stopped", `Run: mysql -e "SHOW REPLICA STATUS\G"`),
		rule("MySQLReplicationLag", "warning", 5*time.Minute, `opsdeck_mysql_replication_lag_seconds > 30`,
			"{{ $labels.service }}: the replica lags by {{ $value | humanizeDuration }}",
			`Run: mysql -e "SHOW REPLICA STATUS\G"`),
		rule("DiskFillsUp", "critical", 10*time.Minute, `opsdeck_disk_full_in_seconds < 14400`,
			"{{ $labels.service }}: {{ $labels.check }} is full in {{ $value | humanizeDuration }}",
			"Run: opsdeck status"),
		rule("CertificateExpires", "warning", time.Hour,
			`opsdeck_tls_certificate_expiry_timestamp_seconds - time() < 14 * 86400`,
			"{{ $labels.service }}: the certificate expires in {{ $value | humanizeDuration }}",
			"Renew the certificate."),
		rule("CriticalLogEvents", "critical", 0,
			`increase(opsdeck_log_critical_events_total[5m]) > 0`,
			"{{ $labels.service }}: an error in the logs needs a person at once",
			"Run: opsdeck logs --critical --since 10m"),
		rule("ErrorBurst", "warning", 5*time.Minute,
			`sum by (service) (rate(opsdeck_log_events_total{level=~"error|fatal"}[5m])) > 1`,
			"{{ $labels.service }}: {{ $value }} errors a second in the logs",
			"Run: opsdeck logs --level error+ --since 10m"),
		rule("LogsUnreadable", "warning", 10*time.Minute, `opsdeck_log_readable == 0`,
			"{{ $labels.service }}: the logs {{ $labels.source }} cannot be read", "Run: opsdeck doctor"),
		rule("WatchStopped", "warning", 10*time.Minute, `opsdeck_watch_running == 0`,
			"opsdeck watch does not run",
			"Check with: systemctl status opsdeck-watch; where opsdeck watch is not used, delete this rule"),
		rule("NotificationsUndelivered", "critical", 5*time.Minute, `opsdeck_notifications_undelivered > 0`,
			"{{ $labels.service }}: {{ $labels.target }} does not get its alerts", "Run: opsdeck alerts"),
		rule("NotificationsRefused", "warning", 0, `opsdeck_notifications_refused > 0`,
			"{{ $labels.service }}: {{ $labels.target }} refused {{ $value }} alerts", "Run: opsdeck alerts"),
	}
}

func backupRules() []Rule {
	return []Rule{
		rule("BackupCheckCritical", "critical", 5*time.Minute,
			`opsdeck_check_state{state="critical",kind="backup"} == 1`,
			"{{ $labels.service }}: the backups need attention", "Run: opsdeck backup list"),
		rule("BackupTooOld", "critical", 5*time.Minute,
			`opsdeck_backup_good_age_seconds > on (service, instance, job) opsdeck_backup_good_age_limit_seconds`,
			"{{ $labels.service }}: the newest good backup is {{ $value | humanizeDuration }} old",
			"Run: opsdeck backup create"),
		rule("BackupMissing", "critical", 5*time.Minute, `opsdeck_backup_good == 0`,
			"{{ $labels.service }}: there is no good backup", "Run: opsdeck backup create"),
		rule("BackupBad", "warning", 5*time.Minute, `opsdeck_backups{state="bad"} > 0`,
			"{{ $labels.service }}: {{ $value }} {{ $labels.tier }} backups are bad", "Run: opsdeck backup list"),
		rule("BackupShrunk", "warning", 5*time.Minute,
			`opsdeck_backup_newest_rows{tier="daily"} < 0.5 * max_over_time(opsdeck_backup_newest_rows{tier="daily"}[4d])`,
			"{{ $labels.service }}: the newest backup has less than half of the rows of those before",
			"Run: opsdeck backup show NAME"),
		rule("JobFailed", "critical", 0, `opsdeck_job_last_success == 0`,
			"{{ $labels.service }}: the scheduled {{ $labels.job }} run failed", "Run: opsdeck operations"),
		rule("DrillFailed", "warning", 0, `opsdeck_drill_last_success == 0`,
			"{{ $labels.service }}: the last restore drill failed", "Run: opsdeck backup drills"),
		rule("DrillOverdue", "warning", time.Hour,
			`time() - opsdeck_drill_last_timestamp_seconds > 100 * 86400`,
			"{{ $labels.service }}: the last restore drill is {{ $value | humanizeDuration }} ago",
			"Run: opsdeck backup drill"),
		rule("BinlogArchiveGap", "critical", 0, `opsdeck_binlog_archive_gaps > 0`,
			"{{ $labels.service }}: the archived binary log has a gap", "Run: opsdeck backup create"),
		rule("BinlogArchiveLag", "warning", 5*time.Minute, `opsdeck_binlog_archive_lag_seconds > 900`,
			"{{ $labels.service }}: the archived binary log is {{ $value | humanizeDuration }} late",
			"Run: opsdeck backup binlog list"),
		rule("RestoreStopped", "critical", 5*time.Minute,
			`opsdeck_restore_open > 0 and on (service, instance, job) opsdeck_restore_worker_running == 0`,
			"{{ $labels.service }}: a restore has stopped in the middle", "Run: opsdeck restore status"),
	}
}

// serviceRules need metrics of the service itself: prom-client's for HTTP, those of
// kube-state-metrics for the replicas.
func serviceRules() []Rule {
	return []Rule{
		rule("ServiceErrors", "critical", 2*time.Minute,
			`sum by (job) (rate(http_requests_total{status=~"5.."}[5m]) or rate(http_requests_total{status_code=~"5.."}[5m]))`+
				` / sum by (job) (rate(http_requests_total[5m])) > 0.05`,
			"{{ $labels.job }}: {{ $value | humanizePercentage }} of the requests fail",
			"Run: opsdeck logs --level error+ --since 10m"),
		rule("ServiceSlow", "warning", 5*time.Minute,
			`histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m]))) > 2`,
			"{{ $labels.job }}: one request in twenty takes more than {{ $value | humanizeDuration }}",
			"Run: opsdeck logs --slow 1000 --since 10m"),
		rule("ServiceReplicasMissing", "warning", 5*time.Minute,
			`kube_deployment_status_replicas_available < kube_deployment_spec_replicas`,
			"{{ $labels.deployment }}: {{ $value }} replicas run, fewer than configured", "Run: kubectl get pods"),
		rule("ServiceMemory", "warning", 5*time.Minute,
			`(process_resident_memory_bytes unless on (instance, job) opsdeck_build_info) > 450e6`,
			"{{ $labels.job }}: {{ $value | humanize1024 }}B of memory are resident", "Run: opsdeck status"),
	}
}
