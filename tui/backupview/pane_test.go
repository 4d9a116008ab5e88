package backupview

import (
	"strings"
	"testing"

	"opsdeck/tui/page"
)

func TestAWideScreenShowsTheChosenBackupBesideTheList(t *testing.T) {
	p := shown("en")
	size := page.Size{Width: 200, Height: 55}
	seen := map[string]bool{}
	for range 3 {
		_, beside, _ := strings.Cut(p.View(size), "│")
		name, _, _ := strings.Cut(strings.TrimSpace(beside), " ")
		if s := p.table.described(); s == nil || name != s.Name {
			t.Errorf("the pane is of %q, the cursor on %v", name, s)
		}
		if !strings.Contains(beside, "A restore from here") {
			t.Error("the pane does not describe the backup")
		}
		seen[name] = true
		press(p, "down")
	}
	if len(seen) < 2 {
		t.Error("the pane does not follow the cursor")
	}
	if narrow := p.View(page.Size{Width: 120, Height: 55}); strings.Contains(narrow, "A restore from here") {
		t.Error("a narrow list has a pane")
	}
}
