package metrics

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
	"opsdeck/ops/health"
)

var noon = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

type fixed health.Report

func (f fixed) Report() health.Report { return health.Report(f) }

func standing(name string, kind health.Kind, r health.Result) health.Standing {
	s := health.Standing{Check: health.Check{Service: "千张", Name: name, Kind: kind}}
	if r.At.IsZero() {
		return s
	}
	return s.Next(r, health.Rule{})
}

// text is what a scrape answers; it must be good text without a lint problem.
func text(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(b.String())); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	problems, err := promlint.New(strings.NewReader(b.String())).Lint()
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	return b.String()
}

// has fails for each line that the text lacks, and for each name that it must not hold.
func has(t *testing.T, text string, lines, absent []string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\n"+l+"\n") {
			t.Errorf("there is no %s", l)
		}
	}
	for _, name := range absent {
		if strings.Contains(text, name) {
			t.Errorf("available: %s", name)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func mysqlFields(values map[string]any) health.Result {
	r := health.Result{At: noon.Add(-3 * time.Second), Latency: 1500 * time.Microsecond}
	for name, v := range values {
		r.Add(name, v, lang.Msg{})
	}
	return r
}

func TestChecksAreToldWithTheirStateAndAge(t *testing.T) {
	up := mysqlFields(map[string]any{
		"threads_connected": int64(12), "threads_running": int64(2), "max_connections": int64(500),
		"uptime_ms": int64(90_500), "slow_queries": int64(0), "replication": "none",
	})
	refused := health.Broken(lang.M("MySQL is down"), lang.Raw("refused"))
	refused.At = noon
	refused.Add("threads_connected", int64(3), lang.Msg{})
	got := text(t, New(fixed{Standings: []health.Standing{
		standing("mysql", health.KindMySQL, up),
		standing("mysql-2", health.KindMySQL, refused),
		standing("redis", health.KindRedis, health.Result{}),
	}}, clocktest.New(noon), nil))
	has(t, got, []string{
		`opsdeck_check_state{check="mysql",kind="mysql",service="千张",state="ok"} 1`,
		`opsdeck_check_state{check="mysql",kind="mysql",service="千张",state="critical"} 0`,
		`opsdeck_check_state{check="mysql-2",kind="mysql",service="千张",state="critical"} 1`,
		`opsdeck_check_state{check="redis",kind="redis",service="千张",state="unknown"} 1`,
		`opsdeck_check_up{check="mysql",kind="mysql",service="千张"} 1`,
		`opsdeck_check_up{check="mysql-2",kind="mysql",service="千张"} 0`,
		`opsdeck_check_duration_seconds{check="mysql",kind="mysql",service="千张"} 0.0015`,
		`opsdeck_check_age_seconds{check="mysql",kind="mysql",service="千张"} 3`,
		`opsdeck_service_state{service="千张",state="critical"} 1`,
		`opsdeck_service_state{service="千张",state="ok"} 0`,
		`opsdeck_mysql_threads_connected{check="mysql",service="千张"} 12`,
		`opsdeck_mysql_connections_limit{check="mysql",service="千张"} 500`,
		`opsdeck_mysql_uptime_seconds{check="mysql",service="千张"} 90.5`,
		`opsdeck_mysql_slow_queries_total{check="mysql",service="千张"} 0`,
	}, []string{
		`opsdeck_check_up{check="redis"`, `opsdeck_check_age_seconds{check="redis"`,
		`threads_connected{check="mysql-2"`, "replication", "opsdeck_mysql_transactions",
	})
}

// A server that leaves its status out, as proxies do, has no threads that are 0.
func TestWhatAServerDoesNotSayIsAbsent(t *testing.T) {
	r := mysqlFields(map[string]any{"threads_connected": int64(0), "threads_running": int64(0),
		"max_connections": int64(0), "max_used_connections": int64(0), "uptime_ms": int64(0), "slow_queries": int64(0)})
	r.AddUnknown("transactions", lang.Raw("no PROCESS"))
	got := text(t, New(fixed{Standings: []health.Standing{standing("mysql", health.KindMySQL, r)}}, clocktest.New(noon),
		nil))
	has(t, got, nil, []string{"opsdeck_mysql_"})
}

func TestReplicationRunsOnlyWhenEveryChannelDoes(t *testing.T) {
	for _, c := range []struct {
		second string
		want   string
	}{{"Yes/Yes", "1"}, {"Yes/No", "0"}, {"Connecting/Yes", "0"}} {
		r := health.Result{At: noon}
		r.Add("replication", "Yes/Yes", lang.Msg{})
		r.Add("replication", c.second, lang.Msg{})
		got := text(t, New(fixed{Standings: []health.Standing{standing("mysql", health.KindMySQL, r)}},
			clocktest.New(noon), nil))
		has(t, got, []string{`opsdeck_mysql_replication_running{check="mysql",service="千张"} ` + c.want}, nil)
	}
}

// A check that is worst by being unknown leaves no service ok.
func TestAnUnknownCheckLeavesTheServiceNotOK(t *testing.T) {
	got := text(t, New(fixed{Standings: []health.Standing{
		standing("mysql", health.KindMySQL, health.Result{At: noon}),
		standing("disk", health.KindDisk, health.Result{}),
	}}, clocktest.New(noon), nil))
	has(t, got, []string{`opsdeck_service_state{service="千张",state="unknown"} 1`,
		`opsdeck_service_state{service="千张",state="ok"} 0`}, nil)
}

func TestLabelsAreBoundedAndPrintable(t *testing.T) {
	var r health.Report
	for _, end := range []string{"a", "b"} { // two long names that begin alike stay two
		r.Standings = append(r.Standings, health.Standing{Check: health.Check{
			Service: "a\x1b]0;\xff" + strings.Repeat("千", 100) + end, Name: "m", Kind: health.KindDisk,
		}})
	}
	got := text(t, New(fixed(r), clocktest.New(noon), nil))
	if strings.Contains(got, "\x1b") || !utf8.ValidString(got) || strings.Contains(got, strings.Repeat("千", 67)) {
		t.Fatal(got)
	}
}

func TestEveryFamilyHasAHelpAndAUniqueName(t *testing.T) {
	if len(Names()) != len(families) {
		t.Fatal("a name is declared twice")
	}
	for _, f := range families {
		if !strings.HasPrefix(f.name, "opsdeck_") {
			t.Errorf("%s has no prefix", f.name)
		}
	}
}

// Names are the names of all metrics with their labels.
func Names() map[string][]string {
	out := make(map[string][]string, len(families))
	for _, f := range families {
		out[f.name] = f.labels
	}
	return out
}
