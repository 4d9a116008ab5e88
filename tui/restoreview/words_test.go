package restoreview

import (
	"strings"
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// TestAPlainPageSaysInWordsHowEachStepIs: a mark before its name says nothing to who hears it.
func TestAPlainPageSaysInWordsHowEachStepIs(t *testing.T) {
	all := scenes()
	undoing := *all["done"].run
	undoing.Alive = true
	next, _, err := restore.Next(undoing.State, ev(restore.KindUndo))
	if err != nil {
		t.Fatal(err)
	}
	undoing.State = next
	all["undoing"] = &fakeDesk{run: &undoing}
	for name, want := range map[string][]string{
		"loading": {"1 Assess", "done", "4 Restore data", "running", "5 Verify", "not started"},
		"gone":    {"3 Back up as is", "done", "4 Restore data", "interrupted", "7 Notify", "not started"},
		"doubt":   {"4 Restore data", "done", "5 Verify", "needs an answer"},
		"done":    {"4 Restore data", "done", "7 Notify", "done"},
		"undoing": {"2 Stop services", "running", "5 Verify", "being undone"},
	} {
		p := newPage("en", all[name])
		p.base.env.Theme = theme.New(theme.Options{NoColor: true, ASCII: true, Plain: true})
		view := p.View(page.Size{Width: 200, Height: 36})
		for i := 0; i < len(want); i += 2 {
			if line := lineWith(view, want[i]); !strings.Contains(line, "  "+want[i+1]) {
				t.Errorf("%s: %q does not say %q\n%s", name, line, want[i+1], view)
			}
		}
	}
}

func lineWith(view, words string) string {
	for line := range strings.Lines(view) {
		if strings.Contains(line, words) {
			return line
		}
	}
	return ""
}
