package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/model"

	"opsdeck/internal/testdb"
)

// foreign are the metrics of others that rules use, with their labels.
var foreign = map[string][]string{
	"http_requests_total":                       {"job", "status", "status_code"},
	"http_request_duration_seconds_bucket":      {"job", "le"},
	"kube_deployment_status_replicas_available": {"deployment"},
	"kube_deployment_spec_replicas":             {"deployment"},
	"process_resident_memory_bytes":             {"job", "instance"},
}

// words are those of PromQL that are no metric.
var words = regexp.MustCompile(`^(sum|by|on|or|and|unless|rate|increase|absent|time|histogram_quantile|max_over_time|label_values|e6|e[0-9]+)$`)

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	inBraces = regexp.MustCompile(`\{[^}]*\}`)
	ofWords  = regexp.MustCompile(`(?:by|on) \(([^)]*)\)`)
	spans    = regexp.MustCompile(`\[[0-9a-z]+\]`)
	name     = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`)
	selector = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
)

// checkExpr fails for a metric or a label that does not exist.
func checkExpr(t *testing.T, at, expr string) {
	t.Helper()
	known := func(metric string) ([]string, bool) {
		if l, ok := foreign[metric]; ok {
			return l, true
		}
		l, ok := Names()[metric]
		return l, ok
	}
	plain := quoted.ReplaceAllString(expr, `""`)
	for _, m := range selector.FindAllStringSubmatch(plain, -1) {
		labels, _ := known(m[1])
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) {
				t.Errorf("%s: %s has no label %s", at, m[1], l[1])
			}
		}
	}
	var every []string
	plain = spans.ReplaceAllString(inBraces.ReplaceAllString(plain, ""), "")
	for _, n := range name.FindAllString(ofWords.ReplaceAllString(plain, ""), -1) {
		labels, ok := known(n)
		if !ok && !words.MatchString(n) {
			t.Errorf("%s: there is no metric %s", at, n)
		}
		every = append(every, labels...)
	}
	every = append(every, "instance", "job")
	for _, m := range ofWords.FindAllStringSubmatch(plain, -1) {
		for _, l := range strings.Split(m[1], ",") {
			if !slices.Contains(every, strings.TrimSpace(l)) {
				t.Errorf("%s: no metric has the label %s", at, l)
			}
		}
	}
	if strings.Count(expr, "(") != strings.Count(expr, ")") {
		t.Errorf("%s: brackets do not match", at)
	}
}

func TestEveryRuleUsesMetricsThatExist(t *testing.T) {
	text, err := RulesYAML()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Groups []group }
	if err := yaml.UnmarshalWithOptions(text, &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	label := regexp.MustCompile(`\$labels\.([a-z_]+)`)
	for _, g := range doc.Groups {
		for _, r := range g.Rules {
			checkExpr(t, r.Alert, r.Expr)
			if seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" ||
				r.Annotations["description"] == "" {
				t.Errorf("%s is there twice or lacks a severity or an annotation", r.Alert)
			}
			seen[r.Alert] = true
			if r.For != "" {
				if _, err := model.ParseDuration(r.For); err != nil {
					t.Errorf("%s: %v", r.Alert, err)
				}
			}
			for _, m := range label.FindAllStringSubmatch(r.Annotations["summary"], -1) {
				if by := ofWords.FindStringSubmatch(r.Expr); by != nil && strings.HasPrefix(r.Expr, "sum by") &&
					!strings.Contains(by[1], m[1]) {
					t.Errorf("%s: its summary names %s, which the sum drops", r.Alert, m[1])
				}
			}
		}
	}
	for _, want := range []string{"ServiceErrors", "ServiceSlow", "ServiceReplicasMissing", "ServiceMemory"} {
		if !seen[want] {
			t.Errorf("the rule %s is missing", want)
		}
	}
	if len(seen) < 25 {
		t.Errorf("%d rules", len(seen))
	}
}

func TestEveryPanelUsesMetricsThatExist(t *testing.T) {
	text, err := Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Title == "" || len(doc.Panels) < 15 {
		t.Fatalf("%q has %d panels", doc.Title, len(doc.Panels))
	}
	taken := map[[2]int]string{}
	legend := regexp.MustCompile(`\{\{([a-z_]+)\}\}`)
	for _, p := range doc.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			checkExpr(t, p.Title, strings.ReplaceAll(q.Expr, "$service", "x"))
			for _, m := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
				used := name.FindAllString(q.Expr, -1)
				if !slices.ContainsFunc(used, func(n string) bool { return slices.Contains(Names()[n], m[1]) }) {
					t.Errorf("%s: no metric has the label %s of its legend", p.Title, m[1])
				}
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			if other := taken[[2]int{x, p.GridPos.Y}]; other != "" || x >= 24 {
				t.Errorf("%s lies on %s", p.Title, other)
			}
			taken[[2]int{x, p.GridPos.Y}] = p.Title
		}
	}
}

// firing is a test of promtool: it holds worlds in which rules fire, and in which
// they do not.
const firing = `
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'opsdeck_build_info{instance="a",job="j",version="1"}', values: '1x30'}
      - {series: 'opsdeck_check_state{service="q",check="mysql",kind="mysql",state="critical"}', values: '0x5 1x20'}
      - {series: 'opsdeck_check_state{service="q",check="disk",kind="disk",state="critical"}', values: '0x30'}
      - {series: 'opsdeck_backup_good_age_seconds{service="q",instance="a",job="j"}', values: '93000+60x30'}
      - {series: 'opsdeck_backup_good_age_limit_seconds{service="q",instance="a",job="j"}', values: '93600x30'}
      - {series: 'opsdeck_log_critical_events_total{service="q",source="s"}', values: '0x9 1x20'}
      - {series: 'process_resident_memory_bytes{instance="a",job="j"}', values: '900000000x30'}
      - {series: 'process_resident_memory_bytes{instance="b",job="back"}', values: '460000000x30'}
      - {series: 'http_requests_total{job="back",status="200"}', values: '0+90x30'}
      - {series: 'http_requests_total{job="back",status="500"}', values: '0+10x30'}
      - {series: 'opsdeck_notifications_undelivered{service="q",target="hook"}', values: '0x5 3x20'}
    alert_rule_test:
      - {eval_time: 8m, alertname: NotificationsUndelivered}
      - eval_time: 20m
        alertname: NotificationsUndelivered
        exp_alerts: [{exp_labels: {service: q, target: hook, severity: critical}}]
      - {eval_time: 20m, alertname: OpsdeckAbsent}
      - eval_time: 20m
        alertname: OpsdeckCheckCritical
        exp_alerts: [{exp_labels: {service: q, check: mysql, kind: mysql, state: critical, severity: critical}}]
      - {eval_time: 4m, alertname: OpsdeckCheckCritical}
      - {eval_time: 8m, alertname: BackupTooOld}
      - eval_time: 20m
        alertname: BackupTooOld
        exp_alerts: [{exp_labels: {service: q, instance: a, job: j, severity: critical}}]
      - eval_time: 12m
        alertname: CriticalLogEvents
        exp_alerts: [{exp_labels: {service: q, source: s, severity: critical}}]
      - {eval_time: 25m, alertname: CriticalLogEvents}
      - eval_time: 20m
        alertname: ServiceMemory
        exp_alerts: [{exp_labels: {instance: b, job: back, severity: warning}}]
      - eval_time: 20m
        alertname: ServiceErrors
        exp_alerts: [{exp_labels: {job: back, severity: critical}}]
`

// TestPromtoolTakesTheRules asks Prometheus' own tool.
func TestPromtoolTakesTheRules(t *testing.T) {
	tool := testdb.Promtool(t)
	dir := t.TempDir()
	text, err := RulesYAML()
	if err != nil {
		t.Fatal(err)
	}
	// The test compares annotations too: they are checked elsewhere.
	bare := rules()
	for _, g := range bare {
		for i := range g.Rules {
			g.Rules[i].Annotations = nil
		}
	}
	plain, err := yaml.Marshal(map[string]any{"groups": bare})
	if err != nil {
		t.Fatal(err)
	}
	for file, body := range map[string][]byte{"all.yaml": text, "rules.yaml": plain, "test.yaml": []byte(firing)} {
		if err := os.WriteFile(filepath.Join(dir, file), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "all.yaml"}, {"test", "rules", "test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
