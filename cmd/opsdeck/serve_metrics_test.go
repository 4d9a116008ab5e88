package main

import (
	"fmt"
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
		if code != 200 || !strings.Contains(body, `opsdeck_check_state{check="mysql",kind="mysql",service="x",state="unknown"} 1`) ||
			strings.Contains(body, "opsdeck_check_up{") {
			t.Fatalf("%d %s", code, body)
		}
	}
	if took := time.Since(began); took > 20*time.Second { // one look takes an hour
		t.Fatalf("20 scrapes took %v", took)
	}
}
