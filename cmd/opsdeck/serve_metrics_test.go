package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"opsdeck/internal/testdb"
)

// awaitMetric scrapes until the line is there.
func awaitMetric(t *testing.T, base, line string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		code, body := get(t, base+"/metrics")
		if code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		if strings.Contains("\n"+body, "\n"+line+"\n") {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", line, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestMetricsTellOfTheServer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config := configFile(t, fmt.Sprintf(
			"services:\n  - name: 千张\n    health: {url: \"\", interval: 100ms}\n    database: {options_file: %s, name: mysql}\n",
			s.OptionsFile(t),
		))
		base, end := served(t, config)
		body := awaitMetric(t, base, `opsdeck_check_up{check="mysql",kind="mysql",service="千张"} 1`)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		got, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var most int64
		if err := s.Open(t, "mysql").QueryRow("SELECT @@GLOBAL.max_connections").Scan(&most); err != nil {
			t.Fatal(err)
		}
		limit := got["opsdeck_mysql_connections_limit"]
		if limit == nil || limit.Metric[0].Gauge.GetValue() != float64(most) {
			t.Fatalf("the server's max_connections is %d, the metric %v", most, limit)
		}
		if n := got["opsdeck_mysql_threads_connected"]; n == nil || n.Metric[0].Gauge.GetValue() < 1 {
			t.Fatalf("threads connected: %v", n)
		}
		if got["opsdeck_mysql_replication_running"] != nil {
			t.Fatal("a server that is no replica has a replication that runs")
		}
		if code := end(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
	})
}

func TestAScrapeNeverWaitsForAHungServer(t *testing.T) {
	silent := testdb.Listen(t, func(net.Conn) {})
	config := configFile(t, fmt.Sprintf(
		"services:\n  - name: x\n    health: {url: \"\", timeout: 1h}\n    database: {name: a, host: %s, port: %d, user: u}\n",
		silent.IP, silent.Port,
	))
	base, _ := served(t, config)
	began := time.Now()
	for range 20 {
		code, body := get(t, base+"/metrics")
		if code != 200 || !strings.Contains(body,
			`opsdeck_check_state{check="mysql",kind="mysql",service="x",state="unknown"} 1`) ||
			strings.Contains(body, "opsdeck_check_up{") {
			t.Fatalf("%d %s", code, body)
		}
	}
	if took := time.Since(began); took > 10*time.Minute { // one look takes an hour
		t.Fatalf("20 scrapes took %v", took)
	}
}

// The figures of a backup are those of the command that made it.
func TestMetricsTellOfTheBackups(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, _, _ := aShop(t, s)
		out, _ := asked(t, config, 0, "backup", "create", "--json")
		var made struct {
			SizeBytes float64 `json:"size_bytes"`
			Rows      float64 `json:"rows"`
		}
		if err := json.NewDecoder(strings.NewReader(out)).Decode(&made); err != nil {
			t.Fatal(err)
		}
		base, _ := served(t, config)
		awaitMetric(t, base, `opsdeck_restore_open{service="q"} 0`)
		awaitMetric(t, base, `opsdeck_watch_running 0`)
		body := awaitMetric(t, base, `opsdeck_backups{service="q",state="good",tier="manual"} 1`)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		got, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		value := func(name string) float64 {
			for _, m := range got[name].GetMetric() {
				if n := len(m.Label); n == 1 || m.Label[n-1].GetValue() == "manual" {
					return m.Gauge.GetValue()
				}
			}
			t.Fatalf("%s: %v", name, got[name])
			return 0
		}
		if size, rows := value("opsdeck_backup_newest_size_bytes"),
			value("opsdeck_backup_newest_rows"); size != made.SizeBytes || rows != made.Rows {
			t.Errorf("%v bytes and %v rows, made were %v and %v", size, rows, made.SizeBytes, made.Rows)
		}
		if age, lost := value("opsdeck_backup_good_age_seconds"), value("opsdeck_rpo_seconds"); age != lost ||
			age > 300 {
			t.Errorf("the newest backup is %v s old, %v s would be lost", age, lost)
		}
	})
}

func TestRulesAndDashboardNeedNoConfiguration(t *testing.T) {
	for flag, want := range map[string]string{"--print-rules": "groups:", "--print-dashboard": `"title": "opsdeck"`} {
		var out bytes.Buffer
		code := run(t.Context(), []string{"--config", t.TempDir() + "/none.yaml", "serve", flag},
			stdio{out: &out, err: io.Discard})
		if code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d: %.200s", flag, code, out.String())
		}
	}
	code := run(t.Context(), []string{"serve", "--print-rules", "--print-dashboard"},
		stdio{out: io.Discard, err: io.Discard})
	if code != 64 {
		t.Errorf("both at once: exit code %d", code)
	}
}
