package restoreview

import (
	"slices"
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// TestWhatARunCanDoIsKnownBeforeTheTabWasOpened: undo and resume are named, and refused
// once it is known that there is no run.
func TestWhatARunCanDoIsKnownBeforeTheTabWasOpened(t *testing.T) {
	p := newPage("en", &fakeDesk{plan: samplePlan(restore.Swap)})
	p.looked = false
	named := func(id string) page.Action {
		i := slices.IndexFunc(p.Later(), func(a page.Action) bool { return a.ID == id })
		if i < 0 {
			t.Fatalf("%s is not named", id)
		}
		return p.Later()[i]
	}
	for _, id := range []string{"restore.undo", "restore.resume", "restore.abort", "restore.drop"} {
		if why := named(id).Why(p.base.env); !why.Empty() {
			t.Errorf("%s: %s", id, why)
		}
	}
	p.looked = true
	if named("restore.undo").Why(p.base.env).Empty() {
		t.Error("undo is offered where there is no run")
	}
}
