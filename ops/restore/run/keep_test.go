package run_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// newLaterBench is a restore that starts from a standby: its emergency backup is made from
// the old tables.
func newLaterBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, restore.Swap)
	p := b.plan
	src := p.Source
	src.Replay = &restore.Replay{Standby: &restore.Standby{Schema: "sales__standby_20260129_110000_0001"}}
	set := restore.Settings{Service: p.Service, Process: p.Process, Ready: p.Ready, Notify: p.Notify,
		EmergencyDir: "/b", Operator: p.Operator}
	b.plan = restore.Draft("20260129-120000-0002", at, restore.Choice{}, set, src, "sales", assessment())
	if !b.plan.SaveLater {
		t.Fatal("the plan saves first")
	}
	var err error
	if b.folder, err = b.store.Save(b.plan); err != nil {
		t.Fatal(err)
	}
	b.policy[restore.AskNotify] = restore.KindSend
	return b
}

func (b *bench) stages(s restore.Snapshot) (all []restore.Stage) {
	for _, m := range s.Trail {
		all = append(all, m.Stage)
	}
	return all
}

// The service is back before the old tables are backed up, and they are dropped only after
// that.
func TestTheOldTablesAreSavedOnceTheServiceIsBack(t *testing.T) {
	b := newLaterBench(t)
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Done || s.Data.Emergency != b.plan.Emergency {
		t.Fatalf("%s, %q, %v", s.Stage, s.Data.Emergency, err)
	}
	all := b.stages(s)
	if slices.Index(all, restore.Readying) > slices.Index(all, restore.Keeping) || b.world.State.Saved == "" {
		t.Errorf("%v, saved %q", all, b.world.State.Saved)
	}
	if s, err = b.run(context.Background(), restore.KindDrop); err != nil || s.Stage != restore.Done || s.Kept {
		t.Errorf("drop-old: %s, kept %v, %v", s.Stage, s.Kept, err)
	}
}

// If the backup of the old tables fails, they are kept, and no request drops them until a
// later try has backed them up.
func TestTheOldTablesStayUntilTheyAreSaved(t *testing.T) {
	b := newLaterBench(t)
	b.world.Fail["save-old"] = errors.New("no room")
	b.policy[restore.AskKeeping] = restore.KindLeave
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Done || !s.Unsaved() {
		t.Fatalf("%s, unsaved %v, %v", s.Stage, s.Unsaved(), err)
	}
	if _, err := b.run(context.Background(), restore.KindDrop); !errors.Is(err, restore.ErrUnsaved) {
		t.Errorf("drop-old: %v", err)
	}
	delete(b.world.Fail, "save-old")
	if s, err = b.run(context.Background(), restore.KindResume); err != nil || s.Stage != restore.Done || s.Unsaved() {
		t.Fatalf("resume: %s, unsaved %v, %v", s.Stage, s.Unsaved(), err)
	}
	b.world.State.Saved = "" // the file is lost
	b.policy[restore.AskDrop] = restore.KindLeave
	if s, _ = b.run(context.Background(), restore.KindDrop); !s.Kept || b.world.State.Kept == "" {
		t.Error("the old tables were dropped without their backup")
	}
}

// An undo does not wait for the backup of the old tables.
func TestAnUndoEndsTheBackupOfTheOldTables(t *testing.T) {
	b := newLaterBench(t)
	b.world.Before = func(ctx context.Context, method string) {
		if method != "save-old" {
			return
		}
		r, err := b.folder.Load()
		if err == nil {
			undo := restore.Event{Kind: restore.KindUndo, By: "zhang"}
			err = b.folder.Send(run.Request{Seq: r.State.Seq, Event: undo})
		}
		if err != nil {
			t.Error(err)
		}
		<-ctx.Done() // until it is stopped
	}
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Undone || b.world.State.Kept != "" {
		t.Fatalf("%s, kept %q, %v", s.Stage, b.world.State.Kept, err)
	}
	if _, err := os.Stat(b.folder.ReportPath()); err != nil {
		t.Error(err)
	}
}
