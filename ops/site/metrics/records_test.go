package metrics

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/config"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/watch"
)

// sourceIn is a service with that state folder.
func sourceIn(dir string) Source {
	s := config.DefaultService()
	s.Name = "q"
	return Source{Service: s, Site: func() (*site.Site, error) {
		return &site.Site{Service: &s, StateDir: dir, Clock: clocktest.New(noon)}, nil
	}}
}

// told is a scrape after one look.
func told(t *testing.T, look lookFunc) string {
	t.Helper()
	c := New(fixed(health.Report{}), clocktest.New(noon),
		[]Part{{Service: "q", Name: "x", Interval: time.Minute, Look: look}})
	values, err := look(t.Context())
	c.parts[0].keep(found{values, err}, noon, time.Second)
	return text(t, c)
}

func TestTheLastDrillIsTold(t *testing.T) {
	dir := t.TempDir()
	has(t, told(t, sourceIn(dir).drills), []string{`opsdeck_look_success{look="x",service="q"} 1`},
		[]string{"opsdeck_drill"})
	for _, d := range []backup.Drill{
		{At: noon.Add(-time.Hour), Database: "qianzhang_sales", Result: backup.Passed, TookMS: 90_000},
		{At: noon.Add(-time.Minute), Database: "qianzhang_sales", Result: backup.Failed, TookMS: 1500},
		{At: noon, Database: "another", Result: backup.Passed, TookMS: 7},
	} {
		if err := backup.AppendDrill(dir, d); err != nil {
			t.Fatal(err)
		}
	}
	has(t, told(t, sourceIn(dir).drills), []string{
		`opsdeck_drill_last_success{service="q"} 0`,
		`opsdeck_drill_last_duration_seconds{service="q"} 1.5`,
		`opsdeck_drill_last_timestamp_seconds{service="q"} 1.76968794e+09`,
	}, []string{"opsdeck_drill_last_restore_seconds"})
}

func TestTheLastRunsAreTold(t *testing.T) {
	dir := t.TempDir()
	for _, r := range []watch.Run{
		{Job: "q/daily", Started: noon.Add(-time.Hour), Ended: noon, Result: watch.Failed},
		{Job: "q/verify", Result: watch.Installed, Ended: noon},
		{Job: "other/drill", Started: noon, Ended: noon, Result: watch.Done},
	} {
		if err := (watch.Record{Dir: dir}).Append(r); err != nil {
			t.Fatal(err)
		}
	}
	has(t, told(t, sourceIn(dir).jobs), []string{
		`opsdeck_job_last_success{job="daily",service="q"} 0`,
		`opsdeck_job_last_duration_seconds{job="daily",service="q"} 3600`,
	}, []string{`job="verify"`, `job="drill"`})
}

// A restore that cannot be read may be one of the live database.
func TestARestoreThatCannotBeReadIsOpen(t *testing.T) {
	dir := t.TempDir()
	has(t, told(t, sourceIn(dir).restores), []string{`opsdeck_restore_open{service="q"} 0`},
		[]string{"opsdeck_restore_stage"})
	at := filepath.Join(dir, "restores", "20260129-120000-abcd")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "plan.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, told(t, sourceIn(dir).restores), []string{
		`opsdeck_restore_open{service="q"} 1`,
		`opsdeck_restore_stage{service="q",stage="unknown"} 1`,
	}, []string{"opsdeck_restore_worker_running"})
}

func TestAlertsAreToldWhileWatchRuns(t *testing.T) {
	dir := t.TempDir()
	lockPath := filepath.Join(dir, "locks", "watch.lock")
	a := alert.Alert{ID: "1", Rule: "error-burst", Service: "q", Fingerprint: "f", Severity: ops.StateCritical,
		State: alert.Firing}
	b := a
	b.ID, b.Fingerprint = "2", "g"
	book := &alert.Book{Format: 1, WrittenAt: noon, Alerts: []alert.Alert{a, b},
		Queues: map[string]*alert.Queue{"q/mail": {}, "q/hook": {Events: make([]alert.Event, 2)}},
		Outbox: map[string]*alert.Message{"q/hook": {ID: "m", Target: "q/hook", Created: noon, Attempts: 3}},
		Asides: []alert.Aside{{Target: "q/chat", At: noon}, {Target: "q/chat", At: noon, SeenBy: "li"}}}
	if err := book.Write(dir); err != nil {
		t.Fatal(err)
	}
	look := Alerts(dir, lockPath).Look
	has(t, told(t, look), []string{"opsdeck_watch_running 0"}, []string{"opsdeck_alert{", "opsdeck_alerts{"})
	if err := os.MkdirAll(filepath.Dir(lockPath), 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := lock.Take(lockPath, lock.Holder{What: "watch"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	has(t, told(t, look), []string{
		"opsdeck_watch_running 1",
		`opsdeck_alert{rule="error-burst",service="q",severity="critical",state="firing"} 1`,
		`opsdeck_alerts{state="firing"} 2`,
		`opsdeck_alerts{state="pending"} 0`,
		`opsdeck_notifications_undelivered{service="q",target="mail"} 0`,
		`opsdeck_notifications_undelivered{service="q",target="hook"} 3`,
		fmt.Sprintf(`opsdeck_notification_oldest_timestamp_seconds{service="q",target="hook"} %v`, unix(noon)),
		`opsdeck_notifications_refused{service="q",target="chat"} 1`,
		`opsdeck_notifications_refused{service="q",target="hook"} 0`,
	}, []string{`opsdeck_notification_oldest_timestamp_seconds{service="q",target="mail"}`})
	if err := os.WriteFile(filepath.Join(dir, alert.File), []byte(`{"format":`), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, told(t, look), []string{`opsdeck_look_success{look="x",service="q"} 0`}, []string{"opsdeck_alerts{"})
}

func TestALookThatFailsLeavesNothingOfTheOneBefore(t *testing.T) {
	fails := false
	look := func(context.Context) ([]Value, error) {
		if fails {
			return []Value{is(goodExists, 1, "q")}, errors.New("the folder is gone")
		}
		return []Value{is(goodExists, 1, "q")}, nil
	}
	has(t, told(t, look), []string{`opsdeck_backup_good{service="q"} 1`}, nil)
	fails = true
	has(t, told(t, look), []string{`opsdeck_look_success{look="x",service="q"} 0`}, []string{"opsdeck_backup_good"})
}

// A look that hangs keeps no scrape waiting: what it found before ages, and goes.
func TestALookThatHangsAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		looks := 0
		c := New(fixed(health.Report{}), clock.Real{}, []Part{{
			Service: "q", Name: "x", Interval: time.Second, Timeout: time.Second,
			Look: func(context.Context) ([]Value, error) {
				if looks++; looks > 1 {
					<-hang
				}
				return []Value{is(goodExists, 1, "q")}, nil
			},
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.Run(ctx) }()
		synctest.Wait()
		has(t, text(t, c), []string{`opsdeck_backup_good{service="q"} 1`}, nil)
		time.Sleep(3 * time.Second)
		has(t, text(t, c), []string{`opsdeck_backup_good{service="q"} 1`,
			`opsdeck_look_age_seconds{look="x",service="q"} 3`}, nil)
		time.Sleep(time.Minute)
		has(t, text(t, c), []string{`opsdeck_look_success{look="x",service="q"} 0`}, []string{"opsdeck_backup_good"})
		cancel()
		<-ended // though the look hangs on
		close(hang)
	})
}

func TestWhatTheArchiveReaches(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	spans := []binlog.Span{
		{Server: "a", FromTime: hour(-9), ToTime: hour(-5)},
		{Server: "b", FromTime: hour(-9), ToTime: hour(-1)},
		{Server: "a", FromTime: hour(-4), ToTime: hour(-2)},
	}
	for _, c := range []struct {
		server string
		at     time.Time
		end    time.Time
		ok     bool
		held   bool
	}{
		{"a", hour(-3), hour(-2), true, true},
		{"a", hour(-6), hour(-5), true, false}, // a gap lies between it and now
		{"a", hour(-1), time.Time{}, false, true},
		{"a", hour(-10), time.Time{}, false, false},
		{"c", hour(-3), time.Time{}, false, false},
	} {
		end, ok := replayable(spans, c.server, c.at)
		if ok != c.ok || ok && !end.Equal(c.end) || held(spans, c.server, c.at) != c.held {
			t.Errorf("%s at %v: %v %v, held %v", c.server, c.at, end, ok, held(spans, c.server, c.at))
		}
	}
}
