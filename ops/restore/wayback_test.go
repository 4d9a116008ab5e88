package restore

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func wayPlan(mode Mode) *Plan {
	src := Source{
		Name:     "shop_20260129_020000.sql.gz",
		Path:     "/b/shop_20260129_020000.sql.gz",
		Database: "shop",
		Manifest: true,
		Tables:   []SourceTable{{Name: "orders", Rows: 2}},
	}
	set := Settings{
		Service:      "shop",
		EmergencyDir: "/b",
		Process:      Process{Kind: "pm2", Name: "backend", Stop: "pm2 stop backend", Start: "pm2 start backend"},
		Notify:       []string{"group"},
	}
	a := &Assessment{
		SchemaThere: true,
		Tables:      []TableState{{Name: "orders", Exists: true, InBackup: true, Check: "OK", Rows: 3}},
	}
	return Draft(
		"20260129-120000-0001",
		time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC),
		Choice{Mode: mode},
		set,
		src,
		"shop",
		a,
	)
}

// along applies events to a plan.
func along(t *testing.T, p *Plan, kinds ...Kind) Snapshot {
	t.Helper()
	s := New(p)
	for _, k := range kinds {
		ev := Event{Kind: k, Typed: p.Target.Database}
		if s.Stage == Saving && k == KindDone {
			ev.Data = &Data{Emergency: p.Emergency}
		}
		next, _, err := Next(s, ev)
		if err != nil {
			t.Fatal(err)
		}
		s = next
	}
	return s
}

var (
	untilLoading = []Kind{KindBegin, KindDone, KindDone, KindDone, KindDone}
	untilDone    = append(append([]Kind{}, untilLoading...), KindDone, KindDone)
)

// On a way back the steps describe what is done now, not what the plan did before: an undo
// must not be described as loading the backup.
func TestAWayBackIsToldAsOne(t *testing.T) {
	swapped := append(append([]Kind{}, untilDone...), KindDone, KindDone, KindDone, KindDone, KindSilent)
	placed := append(append([]Kind{}, untilDone...), KindDone, KindDone, KindDone, KindSilent)
	for _, c := range []struct {
		name      string
		mode      Mode
		way       []Kind
		stage     Stage
		step      Step
		what, run string
		back      string
	}{
		{"abort of a swap", Swap, append(append([]Kind{}, untilLoading...), KindAbort), Cleaning, StepRestore,
			"Remove the new database shop__new_", "DROP DATABASE IF EXISTS `shop__new_", "aborted"},
		{"abort in place", InPlace, append(append([]Kind{}, untilLoading...), KindAbort), UndoLoading, StepRestore,
			"load the emergency backup", "zcat /b/emergency_backup_shop_", "restored again"},
		{"abort in place exports nothing", InPlace, append(append([]Kind{}, untilLoading...), KindAbort), UndoLoading,
			StepSave, "Back up shop in its current state", "opsdeck backup create", "restored again"},
		{"undo of a swap stops", Swap, append(append([]Kind{}, swapped...), KindUndo), UndoStopping, StepStop,
			"Stop backend.", "pm2 stop backend", "kept in shop__new_"},
		{"undo of a swap exports", Swap, append(append([]Kind{}, swapped...), KindUndo, KindDone), UndoExporting,
			StepSave, "Export the rows written since", "later-writes", "kept in shop__new_"},
		{"undo of a swap", Swap, append(append([]Kind{}, swapped...), KindUndo, KindDone, KindDone), UndoSwapping,
			StepRestore, "moves the old tables back from shop__old_", "RENAME TABLE `shop`.`orders` TO `shop__new_",
			"kept in shop__new_"},
		{"undo in place", InPlace, append(append([]Kind{}, placed...), KindUndo, KindDone, KindDone), UndoLoading,
			StepRestore, "load the emergency backup", "zcat /b/emergency_backup_shop_", "restored again"},
		{"undone tells nobody", Swap,
			append(append([]Kind{}, swapped...), KindUndo, KindDone, KindDone, KindDone, KindDone, KindDone),
			UndoReporting, StepNotify, "Write the report.", "report.md", "kept in shop__new_"},
		{"done", Swap, swapped, Done, StepNotify, "show the notification", "notify group",
			"Undo restores the old tables"},
		{"dropped", Swap, append(append([]Kind{}, swapped...), KindDrop, KindDone), Done, StepRestart, "Start backend",
			"pm2 start backend", "Nothing is kept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := wayPlan(c.mode)
			s := along(t, p, c.way...)
			if s.Stage != c.stage {
				t.Fatalf("it stands at %s", s.Stage)
			}
			got := p.TextOf(c.step, s)
			run := strings.Join(got.Statements, "\n")
			if !strings.Contains(got.What.String(), c.what) || !strings.Contains(run, c.run) ||
				!strings.Contains(got.Back.String(), c.back) {
				t.Errorf("what: %s\nrun: %s\nback: %s", got.What, run, got.Back)
			}
			if c.stage.Back() && c.step == StepRestore && strings.Contains(got.What.String()+run, p.Source.Name) {
				t.Errorf("the backup is named:\n%s\n%s", got.What, run)
			}
		})
	}
}

// TestAnUndoIsNotCalledARestore names what is running, and since when.
func TestAnUndoIsNotCalledARestore(t *testing.T) {
	at := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	done := Snapshot{Mode: Swap, Stage: Done, Kept: true, Trail: []Mark{{Stage: Checking, Begin: at}}}
	for _, c := range []struct {
		stage Stage
		since time.Duration
		want  string
	}{
		{Loading, 0, "a restore of sales"},
		{UndoSwapping, time.Hour, "the undo of a restore of sales"},
		{AbortStarting, time.Hour, "the abort of a restore of sales"},
		{Dropping, 0, "the removal of the kept tables of sales"},
	} {
		s := done
		s.Stage = c.stage
		if c.stage == UndoSwapping {
			s.Trail = append(slices.Clone(s.Trail), Mark{Stage: UndoStopping, Begin: at.Add(time.Hour)})
		}
		s.Trail = append(slices.Clone(s.Trail), Mark{Stage: c.stage, Begin: at.Add(time.Hour)})
		if got := s.Doing("sales").String(); got != c.want {
			t.Errorf("%s: %s", c.stage, got)
		}
		if back := s.BackSince(); back.IsZero() == (c.since > 0) || c.since > 0 && !back.Equal(at.Add(c.since)) {
			t.Errorf("%s: back since %s", c.stage, back)
		}
	}
}
