package restoreview

import (
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// TestARestoreIsUndoneWhileAnotherPlanIsShown, or while none can be made.
func TestARestoreIsUndoneWhileAnotherPlanIsShown(t *testing.T) {
	for name, answer := range map[string]planMsg{
		"a plan": {plan: samplePlan(restore.Swap)},
		"none":   {err: ops.E(ops.Failed, lang.Raw("no"))},
	} {
		d := scenes()["done"]
		p := newPage("en", d)
		p.heal(deleted("orders"))
		p.Update(answer)
		d.did = nil
		o := press(t, p, "Z")
		if o == nil || !typeIn(p, o, "qianzhang_sales") || !slices.Equal(d.did, []string{"work undo"}) {
			t.Fatalf("%s: Z did %v", name, d.did)
		}
		if !p.base.watching() {
			t.Errorf("%s: the undo is not shown", name)
		}
	}
}

// TestEscLeadsBackFromAMomentThatCannotBeReached, and the page says so.
func TestEscLeadsBackFromAMomentThatCannotBeReached(t *testing.T) {
	p := newPage("en", &fakeDesk{})
	p.healing.to(&binlog.Moment{Before: "x:1"})
	p.base.choice.Tables = []string{"orders"}
	p.Update(planMsg{err: ops.E(ops.Failed, lang.Raw("the binary log does not hold it"))})
	view := p.View(page.Size{Width: 80, Height: 20})
	if !strings.Contains(view, "Press esc to restore only the backup.") {
		t.Fatalf("the way out is not told:\n%s", view)
	}
	press(t, p, "esc")
	if p.base.choice.Moment != nil || p.base.choice.Tables != nil {
		t.Errorf("the choice is still %+v", p.base.choice)
	}
	if _, ok := page.ForKey(p.Actions(), "esc"); ok {
		t.Error("esc stays where there is nothing to leave")
	}
}

// TestAnUndoneRestoreShowsWhatTheUndoRemoved, and not what the restore had removed: that is back.
func TestAnUndoneRestoreShowsWhatTheUndoRemoved(t *testing.T) {
	undone := *scenes()["done"].run
	undone.State.Stage = restore.Undone
	page := newPage("en", &fakeDesk{run: &undone})
	if o := press(t, page, "o"); o != nil {
		t.Errorf("what was lost, with all back:\n%s", o.View(size80))
	}
	undone.State.Data.Lost = &restore.Loss{Since: now, Tables: []restore.LossTable{{Table: "refunds", Newer: 51}}}
	undone.State.Data.Exports = []string{"/state/later-writes/refunds.sql"}
	page = newPage("en", &fakeDesk{run: &undone})
	if view := page.View(size80); !strings.Contains(view, "undone; it removed 51 newer rows (o)") {
		t.Errorf("the page:\n%s", view)
	}
	view := press(t, page, "o").View(size80)
	for _, want := range []string{"What the undo removed", "refunds  ", "/state/later-writes/refunds.sql"} {
		if !strings.Contains(view, want) {
			t.Errorf("%s is missing:\n%s", want, view)
		}
	}
	if strings.Contains(view, "audit_logs") || strings.Contains(view, "will be lost") {
		t.Errorf("what is back:\n%s", view)
	}
}

var size80 = page.Size{Width: 80, Height: 24}

// TestAnUndoTellsItsReportOnce, and no downtime where opsdeck does not stop the service.
func TestAnUndoTellsItsReportOnce(t *testing.T) {
	done := scenes()["done"].run
	plan := *done.Plan
	plan.Process = restore.Process{Kind: "none"}
	run := *done
	run.Plan = &plan
	view := newPage("en", &fakeDesk{run: &run}).View(page.Size{Width: 100, Height: 30})
	if strings.Contains(view, "down for") || !strings.Contains(view, "the service was not stopped by opsdeck") {
		t.Errorf("of a service that nobody stops:\n%s", view)
	}
	s := run.State
	for _, e := range []restore.Event{
		ev(restore.KindUndo), ev(restore.KindDone), ev(restore.KindDone), ev(restore.KindDone), ev(restore.KindDone),
		ev(restore.KindDone), ev(restore.KindDone, "report: report.md"),
	} {
		e.Time = now
		var err error
		if s, _, err = restore.Next(s, e); err != nil {
			t.Fatal(err)
		}
	}
	run.State = s
	p := newPage("en", &fakeDesk{run: &run})
	told := strings.Join(p.sheet.evidence(restore.StepNotify, 60), "\n")
	if s.Stage != restore.Undone || strings.Count(told, "report: report.md") != 1 {
		t.Errorf("%s:\n%s", s.Stage, told)
	}
}
