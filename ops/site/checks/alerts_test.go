package checks

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/alert"
)

// TestAWatchThatDoesNotRunIsSaid: where watch ran before and does not now, nobody is
// told of anything.
func TestAWatchThatDoesNotRunIsSaid(t *testing.T) {
	dir := t.TempDir()
	book, err := alert.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	book.Alerts = []alert.Alert{
		{Rule: "mysql", Service: "q", State: alert.Acknowledged, FiredAt: now, AckBy: "li",
			Evidence: alert.Text{EN: "down"}},
		{Rule: "mysql", Service: "other", State: alert.Firing, FiredAt: now},
	}
	if err := book.Write(dir); err != nil {
		t.Fatal(err)
	}
	r := alertsOf(dir, "q")
	if r.State != ops.StateWarning || !strings.Contains(r.Detail.String(), "not running") {
		t.Fatalf("%v %s", r.State, r.Detail)
	}
	held, err := lock.Take(filepath.Join(dir, "locks", "watch.lock"), lock.Holder{What: "watch"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	r = alertsOf(dir, "q")
	if r.State != ops.StateOK || r.Detail.String() != "firing 0, acknowledged 1, silenced 0" {
		t.Fatalf("%v %s", r.State, r.Detail)
	}
	book.Alerts[0] = alert.Alert{
		Rule: "heap-out-of-memory", Service: "q", State: alert.Firing, FiredAt: now, Severity: ops.StateCritical,
		Evidence: alert.Text{EN: "FATAL ERROR"}, Lines: []alert.Line{{Raw: "FATAL ERROR"}},
	}
	if err := book.Write(dir); err != nil {
		t.Fatal(err)
	}
	if r = alertsOf(dir, "q"); r.State != ops.StateCritical || r.Field("alert_heap-out-of-memory") != "firing" {
		t.Fatalf("%v %+v", r.State, r)
	}
}
