package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// others begins a load in place that fails, and lets others write to the live database then.
// answer is given to the question about it.
func others(t *testing.T, w run.Writes, answer restore.Kind) *bench {
	t.Helper()
	b := newBench(t, restore.InPlace)
	b.world.Fail["load"] = errors.New("the worker was killed")
	if s, _ := b.run(context.Background(), restore.KindBegin); s.Stage != restore.AskLoad || s.Written {
		t.Fatalf("%s %v", s.Stage, s.Why)
	}
	delete(b.world.Fail, "load")
	b.world.PlantOthers(w)
	b.policy = map[restore.Stage]restore.Kind{restore.AskLoad: restore.KindRetry, restore.AskNotify: restore.KindSilent}
	b.world.Before = func(_ context.Context, method string) {
		switch method {
		case "since-load":
			b.policy[restore.AskLoad] = answer
		case "save":
			b.world.State.Others = run.Writes{} // from here on a backup has them
		}
	}
	return b
}

// What others wrote after a load in place had begun is neither loaded over nor dropped without
// a backup of it. Whole, it is what an undo goes back to; torn, the state before the restore is.
func TestWhatOthersWroteIsBackedUpBeforeTheNextLoad(t *testing.T) {
	for name, c := range map[string]struct {
		answer restore.Kind
		torn   bool
		stage  restore.Stage
		saves  int
		clears int
		newer  bool // the emergency backup is that of the later state
	}{
		"back up, then restore":       {restore.KindRetry, false, restore.Done, 2, 2, true},
		"torn: back up, then restore": {restore.KindRetry, true, restore.Done, 2, 2, false},
		"go back":                     {restore.KindAbort, false, restore.Undone, 2, 1, false},
		"leave it":                    {restore.KindLeave, false, restore.Aborted, 1, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := others(t, run.Writes{Live: true, Torn: c.torn}, c.answer)
			s, err := b.run(context.Background(), restore.KindResume)
			calls := b.world.Look().Calls
			counts := countOf(calls, "save") == c.saves && countOf(calls, "clear") == c.clears
			if err != nil || s.Stage != c.stage || !counts {
				t.Fatalf("%s, %v: %v", s.Stage, err, calls)
			}
			if (s.Data.Emergency == b.plan.Emergency) == c.newer || len(s.Data.Also) != c.saves-1 {
				t.Errorf("emergency backup %s, others %v", s.Data.Emergency, s.Data.Also)
			}
			if kept, err := b.store.Also(); err != nil || len(kept) != len(s.Data.Also) {
				t.Errorf("kept from pruning: %v, %v", kept, err)
			}
			if s.Stage == restore.Aborted && (countOf(calls, "load-back") != 0 || !s.LeftToOthers()) {
				t.Errorf("it was not left as it was: %v", calls)
			}
		})
	}
}

// An incomplete database is not left as it is.
func TestATornDatabaseIsNotLeft(t *testing.T) {
	b := others(t, run.Writes{Live: true, Torn: true}, "")
	b.world.Before = func(_ context.Context, method string) {
		if method == "since-load" {
			delete(b.policy, restore.AskLoad)
		}
	}
	s, _ := b.run(context.Background(), restore.KindResume)
	if s.Stage != restore.AskLoad || !s.Written || s.Can(restore.KindLeave) || !s.Can(restore.KindAbort) {
		t.Fatalf("%s: %v", s.Stage, s.Answers())
	}
}

// Nobody is there: what others wrote is kept until somebody decides, or said so before.
func TestAnUnattendedRunDoesNotLoadOverWhatOthersWrote(t *testing.T) {
	s := restore.Snapshot{Stage: restore.AskLoad, Mode: restore.InPlace, Database: "sales", Written: true,
		Data: restore.Data{Started: true, Emergency: "e"}}
	y := run.Policy{}
	if r, ok := y.Choose(s, false, time.Now()); ok {
		t.Errorf("it answers %s", r.Kind)
	}
	y = run.Policy{Answers: run.Answers{DespiteWrites: "sales"}}
	if r, ok := y.Choose(s, false, time.Now()); !ok || r.Kind != restore.KindRetry {
		t.Errorf("told so it answers %q", r.Kind)
	}
}

// What was loaded back is compared with the emergency backup: a difference is a question, and
// only a typed answer ends the way back with it.
func TestAWayBackThatDiffersIsNotCalledUndone(t *testing.T) {
	b := newBench(t, restore.InPlace)
	b.world.State.BackDoubts = []string{"orders has 4 rows, the backup 3"}
	b.policy = map[restore.Stage]restore.Kind{
		restore.AskVerify: restore.KindAbort, restore.AskNotify: restore.KindSilent,
	}
	b.world.State.Doubts = []string{"a doubt of the load"}
	s, _ := b.run(context.Background(), restore.KindBegin)
	if s.Stage != restore.AskUndoLoad || !strings.Contains(said(s.Why), "differs from the emergency backup") ||
		!strings.Contains(said(s.Why), "orders has 4 rows") || !s.NeedsTyping(restore.KindGoOn) {
		t.Fatalf("%s: %s", s.Stage, said(s.Why))
	}
	y := run.Policy{}
	for range 5 {
		if r, ok := y.Choose(s, false, time.Now()); ok && r.Kind != restore.KindRetry {
			t.Errorf("nobody is there, and it answers %s", r.Kind)
		}
	}
	b.policy[restore.AskUndoLoad] = restore.KindGoOn
	s, err := b.run(context.Background(), restore.KindResume)
	if err != nil || s.Stage != restore.Undone || !s.Doubted {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	loads := countOf(b.world.Look().Calls, "load-back")
	b = newBench(t, restore.InPlace)
	b.world.State.Doubts = []string{"a doubt of the load"}
	b.policy = map[restore.Stage]restore.Kind{
		restore.AskVerify: restore.KindAbort, restore.AskNotify: restore.KindSilent,
	}
	if s, err := b.run(context.Background(), restore.KindBegin); err != nil || s.Stage != restore.Undone || s.Doubted ||
		loads != 1 {
		t.Fatalf("%s, %v after %d loads", s.Stage, err, loads)
	}
}
