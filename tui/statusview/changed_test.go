package statusview

import (
	"testing"

	"opsdeck/tui/page"
)

// TestAChangeOutsideIsLookedAtAtOnce holds that the verdict after a restore or a
// backup does not wait for the checks' next turn.
func TestAChangeOutsideIsLookedAtAtOnce(t *testing.T) {
	p, source := newPage("en", incident())
	before := source.looked
	p.Update(page.Changed{})
	if source.looked != before+1 {
		t.Errorf("the checks were asked %d times", source.looked-before)
	}
}
