package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// alone runs a bench as a worker does, with a stand-in.
func (b *bench) alone(first restore.Kind, now clock.Clock) (restore.Snapshot, error) {
	b.t.Helper()
	j, err := run.OpenJournal(b.folder.JournalPath())
	if err != nil {
		b.t.Fatal(err)
	}
	defer j.Close()
	ctx, leave := context.WithTimeout(context.Background(), time.Minute)
	defer leave()
	crew := &run.Crew{
		Database: b.world.Database(),
		Services: b.world,
		Saver:    b.world,
		Prober:   b.world,
		Teller:   b.world,
		Sourcer:  b.world,
		Folder:   b.folder,
		Clock:    clock.Real{},
		Lang:     lang.English(),
		QuietFor: time.Millisecond,
	}
	in := &run.StandIn{Folder: b.folder, Clock: now, GiveUp: leave}
	go in.Run(ctx)
	r := &run.Runner{
		Plan:    b.plan,
		Journal: j,
		World:   crew,
		Inbox:   run.FolderInbox{Folder: b.folder},
		Clock:   clock.Real{},
		Changed: in.Changed,
	}
	return r.Run(ctx, restore.Event{Kind: first, By: "zhang"})
}

func (b *bench) left(a run.Answers, after time.Duration) {
	b.t.Helper()
	if err := b.folder.Leave(&run.Unattended{Answers: a, After: restore.Span(after), By: "zhang"}); err != nil {
		b.t.Fatal(err)
	}
}

// A run whose operator has left does not wait forever: the stored answers are given, and
// the service comes up again.
func TestWhatWasLeftIsAnsweredWhenNobodyIsThere(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Fail["load"] = errors.New("planted")
	b.left(run.Answers{}, time.Millisecond)
	s, err := b.alone(restore.KindBegin, clock.Real{})
	if err != nil || s.Stage != restore.Aborted {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	if w := b.world.Look(); w.Live != "damaged" || !w.Running || w.Shadow != "" {
		t.Fatalf("the world is %+v", w)
	}
}

// If the stored answers do not cover a question, the worker ends; the run keeps its state,
// and continues later.
func TestAWorkerWithoutAnAnswerEnds(t *testing.T) {
	b := newBench(t, restore.InPlace)
	b.policy[restore.AskNotify] = restore.KindSilent
	if _, err := b.run(context.Background(), restore.KindBegin); err != nil {
		t.Fatal(err)
	}
	b.world.Fail["load-back"] = errors.New("planted")
	b.left(run.Answers{}, time.Millisecond)
	s, err := b.alone(restore.KindUndo, clock.Real{})
	if !errors.Is(err, run.ErrLeft) || s.Stage != restore.AskUndoLoad {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	delete(b.world.Fail, "load-back")
	if s, err = b.alone(restore.KindResume, clock.Real{}); s.Stage != restore.Undone {
		t.Fatalf("%s, %v", s.Stage, err)
	}
}

// As long as somebody watches, it waits for them and tells for what.
func TestItWaitsWhileSomebodyIsThere(t *testing.T) {
	for name, leave := range map[string]func(*bench){
		"a person began it": func(*bench) {},
		"somebody looks":    func(b *bench) { b.left(run.Answers{}, time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, restore.Swap)
			b.world.Fail["load"] = errors.New("planted")
			leave(b)
			ended := make(chan restore.Snapshot)
			go func() { s, _ := b.alone(restore.KindBegin, clock.Real{}); ended <- s }()
			w := b.waiting()
			if len(w.For) == 0 || w.For[0].Msg.String() != "planted" || time.Since(w.Since) > time.Minute {
				t.Errorf("it waits for %v since %s", w.For, w.Since)
			}
			time.Sleep(600 * time.Millisecond) // enough time for a stand-in that should not answer
			if still := b.waiting(); !still.Since.Equal(w.Since) {
				t.Errorf("it was answered: it waits since %s, not %s", still.Since, w.Since)
			}
			r, err := b.folder.Load()
			if err != nil {
				t.Fatal(err)
			}
			b.folder.Send(run.Request{Seq: r.State.Seq, Event: restore.Event{Kind: restore.KindAbort}})
			if s := <-ended; s.Stage != restore.Aborted {
				t.Fatalf("%s", s.Stage)
			}
		})
	}
}

// waiting waits until the run asks.
func (b *bench) waiting() *run.Waiting {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r, err := b.folder.Load(); err == nil && r.Waiting() != nil {
			return r.Waiting()
		}
	}
	b.t.Fatal("it never asked")
	return nil
}

// Attending postpones the stored answers.
func TestAttendingPutsTheAnswersOff(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.left(run.Answers{}, time.Hour)
	if err := b.folder.Attend(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(b.folder.Path, "attended"))
	if err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Fatalf("%v, %v", info, err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(b.folder.Path, "attended"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := b.folder.Attend(); err != nil {
		t.Fatal(err)
	}
	if info, err = os.Stat(filepath.Join(b.folder.Path, "attended")); err != nil ||
		time.Since(info.ModTime()) > time.Minute {
		t.Fatalf("%v, %v", info, err)
	}
}

func TestPolicyAnswersAsTheFlagsSay(t *testing.T) {
	now := time.Now()
	at := func(stage restore.Stage, more func(*restore.Snapshot)) restore.Snapshot {
		s := restore.Snapshot{Database: "sales", Mode: restore.Swap, Stage: stage, Kept: true, Swapped: true}
		if more != nil {
			more(&s)
		}
		return s
	}
	left := func(s *restore.Snapshot) { s.Data.Sessions = []restore.Session{{ID: 7, Command: "Query"}} }
	for _, c := range []struct {
		name string
		a    run.Answers
		s    restore.Snapshot
		want []restore.Kind // one question after the other
	}{
		{"writes, nothing said", run.Answers{}, at(restore.AskQuiet, nil),
			[]restore.Kind{restore.KindRetry, restore.KindAbort}},
		{"a session writes", run.Answers{}, at(restore.AskQuiet, left), []restore.Kind{restore.KindAbort}},
		{"sessions left", run.Answers{KillSessions: true}, at(restore.AskQuiet, left),
			[]restore.Kind{restore.KindKill, restore.KindKill, restore.KindKill, restore.KindAbort}},
		{"writes without a session", run.Answers{KillSessions: true}, at(restore.AskQuiet, nil),
			[]restore.Kind{restore.KindRetry, restore.KindAbort}},
		{"despite writes", run.Answers{DespiteWrites: "sales"}, at(restore.AskQuiet, left),
			[]restore.Kind{restore.KindGoOn}},
		{"despite another's", run.Answers{DespiteWrites: "blog"}, at(restore.AskQuiet, nil),
			[]restore.Kind{restore.KindRetry, restore.KindAbort}},
		{"unreadable", run.Answers{}, at(restore.AskSkip, nil), []restore.Kind{restore.KindAbort}},
		{"unreadable, skipped", run.Answers{SkipUnreadable: true}, at(restore.AskSkip, nil),
			[]restore.Kind{restore.KindSkip}},
		{"no backup", run.Answers{WithoutBackup: "sales"}, at(restore.AskSave, nil), []restore.Kind{restore.KindSkip}},
		{"not ready", run.Answers{OnTrouble: "keep"}, at(restore.AskReady, nil), []restore.Kind{restore.KindKeep}},
		{"not ready, undo", run.Answers{OnTrouble: "undo"}, at(restore.AskReady, nil),
			[]restore.Kind{restore.KindUndo}},
		{"notify", run.Answers{Notify: true}, at(restore.AskNotify, nil),
			[]restore.Kind{restore.KindSend, restore.KindSilent}},
		{"clean", run.Answers{}, at(restore.AskClean, nil), []restore.Kind{restore.KindRetry, restore.KindLeave}},
		{"undo", run.Answers{}, at(restore.AskUndoSwap, nil),
			[]restore.Kind{restore.KindRetry, restore.KindRetry, restore.KindRetry, ""}},
	} {
		y := run.Policy{Answers: c.a}
		for i, want := range c.want {
			got, ok := y.Choose(c.s, false, now)
			if ok != (want != "") || ok && got.Kind != want {
				t.Errorf("%s: answer %d is %q (%v), want %q", c.name, i+1, got.Kind, ok, want)
			}
		}
	}
}

// A server that is down is waited for, up to a limit.
func TestPolicyIsPatientWithWhatGoesAwayByItself(t *testing.T) {
	y := run.Policy{}
	s := restore.Snapshot{Database: "sales", Mode: restore.Swap, Stage: restore.AskLoad}
	begin := time.Now()
	for after := time.Duration(0); after < 90*time.Second; after += 10 * time.Second {
		if r, ok := y.Choose(s, true, begin.Add(after)); !ok || r.Kind != restore.KindRetry || r.Left <= 0 {
			t.Fatalf("after %s: %+v, %v", after, r, ok)
		}
	}
	if r, ok := y.Choose(s, true, begin.Add(91*time.Second)); !ok || r.Kind != restore.KindAbort {
		t.Fatalf("in the end: %+v, %v", r, ok)
	}
}
