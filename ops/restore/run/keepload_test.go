package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/ops/restore/run"
)

// TestAHeadlessAbortKeepsAVerifiedLoad makes the swap fail: the unattended answers keep
// the load, the report says so, and resume uses it after saving the state at that time.
func TestAHeadlessAbortKeepsAVerifiedLoad(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Fail["swap"] = errors.New("refused")
	headless := run.Policy{}
	for _, stage := range []restore.Stage{restore.AskSwap} {
		s := restore.Snapshot{Database: "sales", Mode: restore.Swap, Stage: stage}
		reply, ok := headless.Choose(s, false, at)
		if !ok || reply.Kind != restore.KindLeave {
			t.Fatalf("%s is answered with %s", stage, reply.Kind)
		}
		b.policy[stage] = reply.Kind
	}
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Aborted || !s.Loaded {
		t.Fatalf("%s, loaded %v, %v", s.Stage, s.Loaded, err)
	}
	if w := b.world.Look(); w.Live != "damaged" || w.Shadow != "good" || !w.Running {
		t.Fatalf("the world is %+v", w)
	}
	text := report.Tell(b.plan, s, at)
	if len(text.Tables) > 0 || text.Loaded != b.plan.Shadow {
		t.Fatalf("the report claims %+v", text)
	}
	if !strings.Contains(text.Remarks[len(text.Remarks)-1].Msg.String(), "opsdeck restore resume "+b.plan.ID) {
		t.Fatalf("the report does not say how to go on: %v", text.Remarks)
	}
	delete(b.world.Fail, "swap")
	b.policy[restore.AskNotify] = restore.KindSilent
	loads := count(b.world.Look().Calls, "load")
	s, err = b.run(context.Background(), restore.KindResume)
	if err != nil || s.Stage != restore.Done {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	w := b.world.Look()
	if w.Live != "good" || w.Kept != "damaged" || count(w.Calls, "load") != loads || count(w.Calls, "save") != 2 {
		t.Fatalf("the world is %+v", w)
	}
}

func count(calls []string, name string) (n int) {
	for _, c := range calls {
		if c == name {
			n++
		}
	}
	return n
}

// TestAKeptLoadCanBeDropped removes the kept load.
func TestAKeptLoadCanBeDropped(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Fail["swap"] = errors.New("refused")
	b.policy[restore.AskSwap] = restore.KindLeave
	if s, err := b.run(context.Background(), restore.KindBegin); err != nil || !s.Can(restore.KindDrop) {
		t.Fatalf("%+v, %v", s.Stage, err)
	}
	s, err := b.run(context.Background(), restore.KindDrop)
	if err != nil || s.Stage != restore.Aborted || s.Loaded || s.Can(restore.KindResume) {
		t.Fatalf("%s, loaded %v, %v", s.Stage, s.Loaded, err)
	}
}
