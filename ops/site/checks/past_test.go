package checks

import (
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site"
	"opsdeck/ops/watch"
)

// scheduled is a service with the field's schedule, at a moment.
func scheduled(dir string, now *time.Time) *checker {
	s := config.DefaultService()
	s.Name = "q"
	return &checker{Source: Source{
		Service: s,
		Now:     func() time.Time { return *now },
		Site:    func() (*site.Site, error) { return &site.Site{Service: &s, StateDir: dir}, nil },
	}}
}

func TestAScheduledRunThatDidNotComeIsMissed(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 29, 4, 30, 0, 0, time.Local) // a Thursday
	b := scheduled(dir, &now)
	if r := b.jobsMissed(t.Context()); r.Detail.String() != "opsdeck has run no scheduled jobs" {
		t.Errorf("no runs: %s", r.Detail)
	}
	ran := func(job string, at time.Time) {
		t.Helper()
		run := watch.Run{Job: "q/" + job, Due: at, Started: at, Ended: at.Add(time.Minute), Result: watch.Done}
		if err := (watch.Record{Dir: dir}).Append(run); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 1, 29, 2, 0, 0, 0, time.Local)
	ran("daily", at)
	ran("verify", time.Date(2026, 1, 25, 4, 0, 0, 0, time.Local))
	for _, c := range []struct {
		now   time.Time
		state ops.State
	}{
		{now, ops.StateOK},
		{at.AddDate(0, 0, 1).Add(time.Hour), ops.StateOK}, // it may be tried again
		{at.AddDate(0, 0, 1).Add(3 * time.Hour), ops.StateWarning},
	} {
		now = c.now
		if r := b.jobsMissed(t.Context()); r.State != c.state {
			t.Errorf("%s: %v %s", c.now, r.State, r.Detail)
		}
	}
	for day := range 5 {
		ran("daily", at.AddDate(0, 0, day))
	}
	now = at.AddDate(0, 0, 4).Add(3 * time.Hour) // Monday: Sunday's verification did not come
	if r := b.jobsMissed(t.Context()); r.State != ops.StateWarning {
		t.Errorf("the verification: %v %s", r.State, r.Detail)
	}
}

func TestADrillThatIsLateIsSaid(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	b := scheduled(dir, &now)
	check := func(what string, want ops.State) {
		t.Helper()
		if r := b.drillLate(t.Context()); r.State != want {
			t.Errorf("%s: %v %s", what, r.State, r.Detail)
		}
	}
	check("never, no schedule", ops.StateWarning)
	installed := watch.Run{Job: "q/drill", Started: now.AddDate(0, -1, 0), Result: watch.Installed}
	if err := (watch.Record{Dir: dir}).Append(installed); err != nil {
		t.Fatal(err)
	}
	check("the schedule is new", ops.StateOK)
	drill := func(at time.Time, result, database string) {
		t.Helper()
		if err := backup.AppendDrill(dir, backup.Drill{At: at, Database: database, Result: result}); err != nil {
			t.Fatal(err)
		}
	}
	drill(now.AddDate(0, 0, -101), backup.Passed, "qianzhang_sales")
	drill(now.AddDate(0, 0, -1), backup.Failed, "qianzhang_sales")
	drill(now.AddDate(0, 0, -1), backup.Passed, "other")
	check("the last that passed is old", ops.StateWarning)
	drill(now.AddDate(0, 0, -99), backup.Passed, "qianzhang_sales")
	check("a quarter ago", ops.StateOK)
}

// TestARunIsMissedWhenTheNextOneCameToo: with nobody at work a schedule of every minute
// does not get two hours of grace, and what failed or never ran does not count as done.
func TestARunIsMissedWhenTheNextOneCameToo(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 29, 2, 0, 0, 0, time.Local)
	now := at.Add(30 * time.Second)
	b := scheduled(dir, &now)
	b.Service.Backup.Daily = "* * * * *"
	for job, result := range map[string]string{
		"daily": watch.Failed, "verify": watch.Installed, "drill": watch.Installed,
	} {
		run := watch.Run{Job: "q/" + job, Due: at, Started: at, Ended: at, Result: result}
		if err := (watch.Record{Dir: dir}).Append(run); err != nil {
			t.Fatal(err)
		}
	}
	const fine = "no scheduled run was missed; last run done: 0, failed: 1, not due yet: 2"
	if r := b.jobsMissed(t.Context()); r.State != ops.StateOK || r.Detail.String() != fine {
		t.Errorf("%v %s", r.State, r.Detail)
	}
	now = at.Add(4*time.Minute + 30*time.Second)
	const missed = "scheduled runs were missed: daily 2026-01-29 02:03"
	if r := b.jobsMissed(t.Context()); r.State != ops.StateWarning || r.Detail.String() != missed {
		t.Errorf("%v %s", r.State, r.Detail)
	}
}
