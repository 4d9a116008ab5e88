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
	held.Release()
	for severity, lines := range map[ops.State][]alert.Line{
		ops.StateCritical: book.Alerts[0].Lines,
		ops.StateWarning:  nil,
	} {
		book.Alerts[0].Lines = lines
		if err := book.Write(dir); err != nil {
			t.Fatal(err)
		}
		r = alertsOf(dir, "q")
		if r.State != severity || !strings.Contains(r.Detail.String(), "not running") ||
			!strings.Contains(r.Next.String(), "watch install") {
			t.Errorf("an alert fires and watch has ended: %v %s → %s", r.State, r.Detail, r.Next)
		}
		if lines != nil && !strings.Contains(r.Detail.String(), "FATAL ERROR") {
			t.Errorf("%s", r.Detail)
		}
	}
}

// TestAMessageThatDoesNotArriveIsSaid: one that fails for a minute, and one that the target
// did not accept, until somebody acknowledges it; those of other services are not.
func TestAMessageThatDoesNotArriveIsSaid(t *testing.T) {
	dir := t.TempDir()
	held, err := lock.Take(filepath.Join(dir, "locks", "watch.lock"), lock.Holder{What: "watch"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	now := time.Now()
	failing := func(target string, since time.Duration) func(*alert.Book) {
		return func(b *alert.Book) {
			b.Outbox[target] = &alert.Message{
				Target: target, Subject: "mysql is down", Error: "timed out", Attempts: 3, Created: now.Add(-since),
			}
		}
	}
	aside := func(seen string) func(*alert.Book) {
		return func(b *alert.Book) {
			b.Asides = []alert.Aside{{Target: "q/hook", Subject: "too long", Error: "it responded with 413", Created: now,
				At: now, SeenBy: seen}}
		}
	}
	for _, c := range []struct {
		name       string
		set        func(*alert.Book)
		says, next string
	}{
		{"fails for a minute", failing("q/hook", 2*time.Minute), "alerts do not reach the target hook",
			"opsdeck watch test hook"},
		{"fails for a moment", failing("q/hook", time.Second), "", ""},
		{"another service's", failing("other/hook", time.Hour), "", ""},
		{"not accepted", aside(""), "the target hook did not accept a message", "opsdeck watch ack q/hook"},
		{"acknowledged", aside("li"), "", ""},
	} {
		book, err := alert.Load(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c.set(book)
		if err := book.Write(dir); err != nil {
			t.Fatal(err)
		}
		r := alertsOf(dir, "q")
		if (r.State == ops.StateWarning) != (c.says != "") || !strings.Contains(r.Detail.String(), c.says) ||
			!strings.Contains(r.Next.String(), c.next) {
			t.Errorf("%s: %v %s → %s", c.name, r.State, r.Detail, r.Next)
		}
	}
}
