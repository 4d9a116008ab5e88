package metrics

import (
	"encoding/json"
	"fmt"
)

// panel is one panel of the dashboard.
type panel struct {
	title string
	kind  string // stat, timeseries, table
	unit  string // of Grafana
	width int    // of 24 columns
	exprs []target
}

// target is an expression and how its series are called.
type target struct{ expr, legend string }

// chosen is the choice at the head of the dashboard.
const chosen = `{service=~"$service"}`

// panels are those of the dashboard, in the order in which they are read.
var panels = []panel{
	{"State", "stat", "none", 6, []target{
		{`sum by (service) (opsdeck_service_state{service=~"$service",state="critical"} * 3 or ` +
			`opsdeck_service_state{service=~"$service",state="warning"} * 2 or ` +
			`opsdeck_service_state{service=~"$service",state="unknown"})`, "{{service}}"},
	}},
	{"Newest good backup", "stat", "s", 6, []target{{"opsdeck_backup_good_age_seconds" + chosen, "{{service}}"}}},
	{"Recovery point (RPO)", "stat", "s", 6, []target{{"opsdeck_rpo_seconds" + chosen, "{{service}}"}}},
	{"Alerts", "stat", "none", 6, []target{{`opsdeck_alerts{state=~"firing|acknowledged"}`, "{{state}}"}}},
	{"Checks that are not ok", "timeseries", "none", 12, []target{
		{`opsdeck_check_state{service=~"$service",state!="ok"} == 1`, "{{service}} {{check}} {{state}}"},
	}},
	{"Check durations", "timeseries", "s", 12,
		[]target{{"opsdeck_check_duration_seconds" + chosen, "{{service}} {{check}}"}}},
	{"MySQL connections", "timeseries", "none", 12, []target{
		{"opsdeck_mysql_threads_connected" + chosen, "{{service}} connected"},
		{"opsdeck_mysql_threads_running" + chosen, "{{service}} running"},
		{"opsdeck_mysql_connections_limit" + chosen, "{{service}} limit"},
	}},
	{"MySQL transactions and locks", "timeseries", "none", 12, []target{
		{"opsdeck_mysql_transactions" + chosen, "{{service}} transactions"},
		{"opsdeck_mysql_lock_waits" + chosen, "{{service}} lock waits"},
		{"opsdeck_mysql_long_queries" + chosen, "{{service}} long statements"},
	}},
	{"Replication lag", "timeseries", "s", 12,
		[]target{{"opsdeck_mysql_replication_lag_seconds" + chosen, "{{service}}"}}},
	{"Slow statements a second", "timeseries", "none", 12, []target{
		{"rate(opsdeck_mysql_slow_queries_total" + chosen + "[5m])", "{{service}}"},
	}},
	{"Log events a second", "timeseries", "none", 12, []target{
		{`sum by (service, level) (rate(opsdeck_log_events_total{service=~"$service",level=~"warn|error|fatal"}[5m]))`,
			"{{service}} {{level}}"},
	}},
	{"Critical log events", "timeseries", "none", 12, []target{
		{"sum by (service) (increase(opsdeck_log_critical_events_total" + chosen + "[5m]))", "{{service}}"},
	}},
	{"Backup size by tier", "timeseries", "bytes", 12, []target{
		{"opsdeck_backup_newest_size_bytes" + chosen, "{{service}} {{tier}}"},
	}},
	{"Rows in the newest backup by tier", "timeseries", "none", 12, []target{
		{"opsdeck_backup_newest_rows" + chosen, "{{service}} {{tier}}"},
	}},
	{"Backups by tier and state", "timeseries", "none", 12, []target{
		{"opsdeck_backups" + chosen + " > 0", "{{service}} {{tier}} {{state}}"},
	}},
	{"Last restore drill", "timeseries", "s", 12, []target{
		{"opsdeck_drill_last_duration_seconds" + chosen, "{{service}} duration"},
		{"time() - opsdeck_drill_last_timestamp_seconds" + chosen, "{{service}} age"},
	}},
	{"Disk space free", "timeseries", "percentunit", 12, []target{
		{"opsdeck_disk_free_bytes" + chosen + " / opsdeck_disk_size_bytes" + chosen, "{{service}} {{check}}"},
	}},
	{"Open restores", "timeseries", "none", 12, []target{{"opsdeck_restore_open" + chosen, "{{service}}"}}},
	{"Age of what opsdeck tells", "timeseries", "s", 12, []target{
		{"opsdeck_look_age_seconds" + chosen, "{{service}} {{look}}"},
	}},
	{"Scheduled runs", "timeseries", "none", 12, []target{
		{"opsdeck_job_last_success" + chosen, "{{service}} {{job}} succeeded"},
	}},
}

const panelHeight = 8

// Dashboard is a Grafana dashboard's JSON. It asks for the data source when it is
// imported.
func Dashboard() ([]byte, error) {
	source := map[string]any{"type": "prometheus", "uid": "${datasource}"}
	var list []any
	x, y := 0, 0
	for i, p := range panels {
		if x+p.width > 24 {
			x, y = 0, y+panelHeight
		}
		list = append(list, p.json(i+1, x, y, source))
		x += p.width
	}
	doc := map[string]any{
		"uid": "opsdeck", "title": "opsdeck", "tags": []string{"opsdeck", "mysql"}, "schemaVersion": 39, "version": 1,
		"editable": true, "timezone": "browser", "refresh": "30s", "panels": list,
		"time": map[string]any{"from": "now-24h", "to": "now"},
		"templating": map[string]any{"list": []any{
			map[string]any{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
			map[string]any{
				"name": "service", "type": "query", "label": "Service", "datasource": source, "refresh": 2,
				"multi":      true,
				"includeAll": true, "query": "label_values(opsdeck_service_state, service)",
				"current": map[string]any{"text": "All", "value": []string{"$__all"}},
			},
		}},
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the dashboard: %w", err)
	}
	return append(body, '\n'), nil
}

func (p panel) json(id, x, y int, source any) map[string]any {
	var targets []any
	for i, q := range p.exprs {
		targets = append(targets, map[string]any{
			"refId": string(rune('A' + i)), "expr": q.expr, "legendFormat": q.legend, "datasource": source,
		})
	}
	defaults := map[string]any{"unit": p.unit}
	out := map[string]any{
		"id": id, "title": p.title, "type": p.kind, "datasource": source, "targets": targets,
		"gridPos": map[string]any{"x": x, "y": y, "w": p.width, "h": panelHeight},
	}
	if p.title == "State" {
		defaults["mappings"] = []any{map[string]any{"type": "value", "options": map[string]any{
			"0": map[string]any{"text": "ok", "color": "green"},
			"1": map[string]any{"text": "unknown", "color": "purple"},
			"2": map[string]any{"text": "warning", "color": "orange"},
			"3": map[string]any{"text": "critical", "color": "red"},
		}}}
	}
	out["fieldConfig"] = map[string]any{"defaults": defaults, "overrides": []any{}}
	return out
}
