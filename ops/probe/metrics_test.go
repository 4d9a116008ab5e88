package probe

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

// exposed serves the text that tell returns at each reading.
func exposed(t *testing.T, tell func() string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, tell())
	}))
	t.Cleanup(s.Close)
	return s.URL + "/metrics"
}

func metricsAt(url string, now *time.Time) Metrics {
	return Metrics{
		URL: url, Errors: 0.05, P95: 2 * time.Second, Memory: 450 << 20, Window: time.Minute,
		Now: func() time.Time { return *now },
	}
}

// The text is what express-prom-bundle with prom-client 15 told in Node 20 after 90 good
// answers, 10 with 503, and one that took 2.5 s.
func TestMetricsReadWhatPromClientTells(t *testing.T) {
	text, err := os.ReadFile("testdata/express-prom-bundle.txt")
	if err != nil {
		t.Fatal(err)
	}
	var start float64
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "process_start_time_seconds %g", &start)
	}
	now := time.Unix(int64(start)+20, 0)
	share, p95, memory := metricsAt(exposed(t, func() string { return string(text) }), &now).Probes()

	r := look(t, share)
	if got := r.Field("error_share"); r.State != ops.StateCritical || math.Abs(got.(float64)-10.0/101) > 1e-9 {
		t.Errorf("errors: %v, share %v", r.State, got)
	}
	r = look(t, p95)
	if got := r.Field("p95_ms"); r.State != ops.StateOK || got != int64(52) {
		t.Errorf("P95: %v, %v ms", r.State, got)
	}
	if r = look(t, memory); r.State != ops.StateOK || r.Field("resident_bytes").(int64) < 20<<20 {
		t.Errorf("memory: %v, %v", r.State, r.Field("resident_bytes"))
	}
}

// counts is the text of a service that counted so many answers since it started.
func counts(start, good, bad, slow int) string {
	all := good + bad
	return fmt.Sprintf(`# TYPE process_start_time_seconds gauge
process_start_time_seconds %d
# TYPE http_requests_total counter
http_requests_total{status="200"} %d
http_requests_total{status="503"} %d
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="1"} %d
http_request_duration_seconds_bucket{le="5"} %d
http_request_duration_seconds_bucket{le="+Inf"} %d
http_request_duration_seconds_sum 1
http_request_duration_seconds_count %d
`, start, good, bad, all-slow, all, all, all)
}

func TestMetricsJudgeTheWindowAndNotTheWholeLife(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	text := counts(1_700_000_000, 1_000_000, 90_000, 0)
	share, p95, _ := metricsAt(exposed(t, func() string { return text }), &now).Probes()
	if r := look(t, share); r.State != ops.StateUnknown {
		t.Errorf("one reading: %v", r.State)
	}
	steps := []struct {
		good, bad, slow int // in 30 s
		share           float64
		state, p95      ops.State
	}{
		{100, 1, 0, 1.0 / 101, ops.StateOK, ops.StateOK},
		{100, 20, 60, 21.0 / 221, ops.StateCritical, ops.StateCritical},
		{1000, 0, 0, 20.0 / 1120, ops.StateOK, ops.StateOK}, // 60 of 1120 slow: 1.3 s
		{1000, 0, 0, 0, ops.StateOK, ops.StateOK},
		{0, 0, 0, 0, ops.StateOK, ops.StateOK},
		{0, 2, 0, 1, ops.StateOK, ops.StateOK}, // too few to judge
		{0, 1, 0, 1, ops.StateCritical, ops.StateOK},
	}
	good, bad, slow := 1_000_000, 90_000, 0
	for i, s := range steps {
		now = now.Add(30 * time.Second)
		good += s.good
		bad += s.bad
		slow += s.slow
		text = counts(1_700_000_000, good, bad, slow)
		r := look(t, share)
		if r.State != s.state || math.Abs(r.Field("error_share").(float64)-s.share) > 1e-9 {
			t.Errorf("step %d: %v, share %v, want %v", i, r.State, r.Field("error_share"), s.share)
		}
		if r := look(t, p95); r.State != s.p95 {
			t.Errorf("step %d: P95 %v, want %v (%v)", i, r.State, s.p95, r.Detail)
		}
	}
}

func TestMetricsOfWorkersThatAnswerInTurn(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var turn atomic.Int64
	a, b := 1000, 500_000
	share, _, _ := metricsAt(exposed(t, func() string {
		if turn.Add(1)%2 == 1 {
			return counts(1_700_000_001, a, 0, 0)
		}
		return counts(1_700_000_002, b, 10, 0)
	}), &now).Probes()
	for range 2 {
		if r := look(t, share); r.State != ops.StateUnknown {
			t.Errorf("each worker read once: %v", r.State)
		}
		now = now.Add(5 * time.Second)
	}
	a += 40
	b += 60
	for range 2 {
		look(t, share)
		now = now.Add(5 * time.Second)
	}
	r := look(t, share)
	if r.State != ops.StateOK || r.Field("answers") != int64(100) {
		t.Errorf("%v, %v answers, want 100", r.State, r.Field("answers"))
	}
}

func TestMetricsOfAServiceThatStartedAgain(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	text := counts(0, 1000, 0, 0)
	share, _, _ := metricsAt(exposed(t, func() string { return text }), &now).Probes()
	look(t, share)
	now = now.Add(10 * time.Second)
	text = counts(0, 10, 5, 0) // it does not say since when it counts
	if r := look(t, share); r.State != ops.StateUnknown {
		t.Errorf("after the restart: %v", r.State)
	}
	now = now.Add(10 * time.Second)
	text = counts(0, 20, 15, 0)
	if r := look(t, share); r.State != ops.StateCritical || r.Field("answers") != int64(20) {
		t.Errorf("%v, %v answers, want 20", r.State, r.Field("answers"))
	}
}

func TestMetricsThatCannotBeJudgedAreUnknown(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	last := func(p health.Probe) health.Result {
		look(t, p)
		now = now.Add(10 * time.Second)
		return look(t, p)
	}
	moved := httptest.NewServer(http.RedirectHandler("/metrics/", http.StatusFound))
	t.Cleanup(moved.Close)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 1000))
		for r.Context().Err() == nil {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	t.Cleanup(endless.Close)
	text := func(s string) string { return exposed(t, func() string { return s }) }
	for name, c := range map[string]struct{ url, why string }{
		"refused":  {refused(t) + "/metrics", "connection refused"},
		"a page":   {text("<html><body>not found</body></html>"), "text format"},
		"nothing":  {text(""), "set metrics.requests"},
		"moved":    {moved.URL, "HTTP 302"},
		"too much": {endless.URL, "larger than"},
	} {
		share, p95, memory := metricsAt(c.url, &now).Probes()
		r := last(share)
		if r.State != ops.StateUnknown || !strings.Contains(r.Detail.String(), c.why) {
			t.Errorf("%s: %v %s", name, r.State, r.Detail)
		}
		for _, p := range []health.Probe{p95, memory} {
			if r := last(p); r.State != ops.StateUnknown {
				t.Errorf("%s: %v %s", name, r.State, r.Detail)
			}
		}
	}
	// The last bound is below the limit, and all answers are beyond it.
	n := 0
	_, p95, _ := metricsAt(exposed(t, func() string {
		n += 10
		return fmt.Sprintf(`# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="1"} 0
http_request_duration_seconds_bucket{le="+Inf"} %d
http_request_duration_seconds_sum 1
http_request_duration_seconds_count %d
`, n, n)
	}), &now).Probes()
	if r := last(p95); r.State != ops.StateUnknown || !strings.Contains(r.Detail.String(), "it is over 1.0 s") {
		t.Errorf("beyond the last bound: %v %s", r.State, r.Detail)
	}
}
