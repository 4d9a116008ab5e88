package restoreview

import (
	"testing"

	"opsdeck/ops/restore"
)

// TestTheFirstRestoreOfAMachineIsSeenToItsEnd comes from another page with a
// backup where there was no restore yet: the run that follows is shown.
func TestTheFirstRestoreOfAMachineIsSeenToItsEnd(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	p.Update("qianzhang_sales_20260129_020000.sql.gz")
	run := scenes()["done"].run
	if run == nil {
		t.Fatal("no scene of a restore that is done")
	}
	p.seeRun(runMsg{run: run})
	if !p.base.watching() {
		t.Fatal("the plan is shown, not the restore that was begun")
	}
}

// TestATableThatWouldVanishIsTypedFirst cannot begin before its name is typed.
func TestATableThatWouldVanishIsTypedFirst(t *testing.T) {
	plan := samplePlan(restore.Swap)
	plan.Accepted = nil
	d := &fakeDesk{plan: plan}
	p := newPage("en", d)
	typeIn(p, press(t, p, "A"), "临时表")
	if got := p.base.choice.Accept; len(got) != 1 || got[0] != "临时表" {
		t.Fatalf("accepted %q", got)
	}
}
