package run_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// TestAnUndoWithoutItsBackupStopsNothing undoes a restore in place whose emergency backup is
// gone: nothing is stopped, an unattended run leaves the data as restored, and the undo is
// possible when the file is back.
func TestAnUndoWithoutItsBackupStopsNothing(t *testing.T) {
	b := newBench(t, restore.InPlace)
	b.policy = map[restore.Stage]restore.Kind{restore.AskNotify: restore.KindSilent}
	if s, err := b.run(context.Background(), restore.KindBegin); err != nil || s.Stage != restore.Done {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	saved, live := b.world.State.Saved, b.world.State.Live
	b.world.State.Saved = ""
	stops := countOf(b.world.Look().Calls, "stop")
	s, _ := b.run(context.Background(), restore.KindUndo)
	y := run.Policy{}
	r, ok := y.Choose(s, false, time.Now())
	if s.Stage != restore.AskUndoStop || !ok || r.Kind != restore.KindAbort {
		t.Fatalf("%s: unattended it answers %q: %s", s.Stage, r.Kind, said(s.Why))
	}
	b.policy[restore.AskUndoStop] = restore.KindAbort
	s, err := b.run(context.Background(), restore.KindResume)
	w := b.world.Look()
	if err != nil || s.Stage != restore.Done || w.Live != live || !w.Running || countOf(w.Calls, "stop") != stops {
		t.Fatalf("%s, %v, live %q, calls %v", s.Stage, err, w.Live, w.Calls)
	}
	b.world.State.Saved = saved
	if s, err = b.run(context.Background(), restore.KindUndo); err != nil || s.Stage != restore.Undone {
		t.Fatalf("%s, %v", s.Stage, err)
	}
}

// TestOnlyAnUntouchedDatabaseIsLeftByAnUndo fails the load back before and after it changed
// something.
func TestOnlyAnUntouchedDatabaseIsLeftByAnUndo(t *testing.T) {
	s := restore.Snapshot{Database: "shop", Mode: restore.InPlace, Stage: restore.UndoLoading, Swapped: true,
		Attempts: 1, Trail: []restore.Mark{{Stage: restore.UndoLoading}}}
	for name, c := range map[string]struct {
		data     restore.Data
		attempts int
		left     bool
	}{
		"nothing changed":          {restore.Data{Untouched: true}, 1, true},
		"emptied":                  {restore.Data{Started: true}, 1, false},
		"after a killed first try": {restore.Data{Untouched: true}, 2, false},
	} {
		s.Attempts = c.attempts
		n, _, err := restore.Next(s, restore.Event{Kind: restore.KindFailed, Data: &c.data})
		if err != nil || n.Can(restore.KindAbort) != c.left || n.HalfLoaded() == c.left ||
			slices.Contains(n.Answers(), restore.KindAbort) != c.left {
			t.Errorf("%s: %v, abort %v, half loaded %v", name, err, n.Can(restore.KindAbort), n.HalfLoaded())
		}
	}
}
