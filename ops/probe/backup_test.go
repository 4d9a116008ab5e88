package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

type backups struct {
	newest health.NewestBackup
	err    error
}

func (b backups) NewestGood(context.Context) (health.NewestBackup, error) { return b.newest, b.err }

func TestBackupIsJudgedByAgeAndSchedule(t *testing.T) {
	at := func(h int) health.NewestBackup {
		return health.NewestBackup{Name: "x", Verified: true, CreatedAt: noon.Add(-time.Duration(h) * time.Hour)}
	}
	unproved := at(10)
	unproved.Verified = false
	moved := unproved
	moved.Moved = true
	bad := at(10)
	bad.Bad = []string{"newer.sql.gz"}
	for name, c := range map[string]struct {
		source   backups
		schedule string
		want     ops.State
		say      string
	}{
		"today's at 02:00":      {backups{newest: at(10)}, "0 2 * * *", ops.StateOK, ""},
		"by hand, just now":     {backups{newest: at(0)}, "0 2 * * *", ops.StateOK, ""},
		"today's run missing":   {backups{newest: at(24)}, "0 2 * * *", ops.StateWarning, "is missing"},
		"old":                   {backups{newest: at(30)}, "0 2 * * *", ops.StateCritical, "30"},
		"none":                  {backups{}, "0 2 * * *", ops.StateCritical, "no good backup"},
		"a newer one is bad":    {backups{newest: bad}, "0 2 * * *", ops.StateWarning, "newer.sql.gz"},
		"none is verified":      {backups{newest: unproved}, "0 2 * * *", ops.StateWarning, "not verified"},
		"only chmod since then": {backups{newest: moved}, "0 2 * * *", ops.StateWarning, "metadata"},
		"no schedule":           {backups{newest: at(20)}, "", ops.StateOK, ""},
		"the run is under way":  {backups{newest: at(24)}, "30 11 * * *", ops.StateOK, ""},
		"folder missing": {backups{err: fmt.Errorf("x: %w", fs.ErrNotExist)}, "0 2 * * *", ops.StateCritical,
			"is missing"},
		"folder not readable":   {backups{err: errors.New("boom")}, "0 2 * * *", ops.StateUnknown, "boom"},
		"schedule every minute": {backups{newest: at(3)}, "* * * * *", ops.StateWarning, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			late := 26 * time.Hour
			r := look(
				t,
				Backup{
					Source:   c.source,
					Schedule: c.schedule,
					Late:     late,
					Now:      func() time.Time { return noon },
				}.Probe(),
			)
			if r.State != c.want ||
				!strings.Contains(health.In(r.Detail, noon, time.UTC).String(), strings.TrimSuffix(c.say, "30")) {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
			good := c.source.newest.CreatedAt
			if !c.source.newest.Verified {
				good = time.Time{} // no sentence may call it good
			}
			if !r.Subject.Equal(good) {
				t.Fatalf("subject %v, not %v", r.Subject, good)
			}
		})
	}
}

func TestLogsAreHeldAgainstTheirRotation(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, size int) {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := Logs{Patterns: []string{filepath.Join(dir, "*.log*"), "docker:x"}, MaxBytes: 1000, Keep: 2}.Probe()
	if r := look(t, p); r.State != ops.StateUnknown {
		t.Errorf("no files: %s %s", r.State, r.Detail)
	}
	put("b-out.log", 1500)
	for _, day := range []string{"27", "28", "29"} {
		put("b-out__2026-01-"+day+"_00-00-00.log.gz", 10)
	}
	if r := look(t, p); r.State != ops.StateOK || r.Field("rotated_files") != 3 {
		t.Errorf("within limits: %s %s, %v rotated", r.State, r.Detail, r.Field("rotated_files"))
	}
	put("b-out__2026-01-26_00-00-00.log.gz", 10)
	if r := look(t, p); r.State != ops.StateWarning ||
		!strings.Contains(r.Detail.String(), "4 rotated files of b-out.log") {
		t.Errorf("too many: %s %s", r.State, r.Detail)
	}
	if err := os.Rename(filepath.Join(dir, "b-out.log"), filepath.Join(dir, "b-out.log.1")); err != nil {
		t.Fatal(err)
	}
	if r := look(t, p); r.State != ops.StateWarning || !strings.Contains(r.Detail.String(), "only rotated ones") {
		t.Errorf("only rotated ones: %s %s", r.State, r.Detail)
	}
	put("b-error.log", 3000)
	if r := look(t, p); r.State != ops.StateWarning || !strings.Contains(r.Detail.String(), "b-error.log") {
		t.Errorf("too large: %s %s", r.State, r.Detail)
	}
}

func TestStemOfRotatedNames(t *testing.T) {
	for name, want := range map[string]string{
		"app-out__2026-01-29_00-00-00.log.gz": "app-out.log", "app-out__2026-01-29_00-00-00.log": "app-out.log",
		"app.log.1": "app.log", "app.log.2.gz": "app.log", "app.log-20260129": "", "app.log": "",
	} {
		if got, ok := stemOf(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q %v", name, got, ok)
		}
	}
}

// TestABadBackupSendsToItself holds that a bad backup is looked at first: to make
// another one mends nothing where the newest good one is young enough.
func TestABadBackupSendsToItself(t *testing.T) {
	newest := health.NewestBackup{Name: "x", Verified: true, CreatedAt: noon.Add(-10 * time.Hour)}
	older, newer, stale := newest, newest, newest
	older.OldBad = []string{"old.sql.gz", "older.sql.gz"}
	newer.Bad = []string{"new one.sql.gz"}
	stale.OldBad, stale.CreatedAt = []string{"old.sql.gz"}, noon.Add(-30*time.Hour)
	for next, source := range map[string]health.NewestBackup{
		"See what is wrong: opsdeck backup show old.sql.gz":       older,
		"See what is wrong: opsdeck backup show 'new one.sql.gz'": newer,
		"": stale, // its age is the finding, and a new backup the remedy
	} {
		r := look(t, Backup{Source: backups{newest: source}, Late: 26 * time.Hour,
			Now: func() time.Time { return noon }}.Probe())
		if got := r.Next.String(); got != next {
			t.Errorf("%+v: the next step is %q, not %q", source, got, next)
		}
	}
}
