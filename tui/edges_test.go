package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/tui/page"
)

// TestF5RefreshesThePage by whatever key the page has for it.
func TestF5RefreshesThePage(t *testing.T) {
	c, pages, _ := testConsole()
	ran := 0
	pages[0].acts = append(
		pages[0].acts,
		page.Action{ID: "status.refresh", Keys: []string{"r"}, Label: lang.Raw("refresh"),
			Help: lang.Raw("check again"), Run: func() tea.Cmd { ran++; return nil }},
	)
	c.route(tea.KeyMsg{Type: tea.KeyF5})
	if ran+strings.Count(strings.Join(pages[0].keys, ""), "r") != 1 {
		t.Errorf("F5 refreshed %d times, the page got %v", ran, pages[0].keys)
	}
}

// TestCtrlZSuspends where a shell with job control can bring the console back,
// and says so where none can.
func TestCtrlZSuspends(t *testing.T) {
	c, _, _ := testConsole()
	cmd := c.route(tea.KeyMsg{Type: tea.KeyCtrlZ})
	if hasShell() {
		if cmd == nil {
			t.Fatal("ctrl-z does nothing")
		}
		if _, ok := cmd().(tea.SuspendMsg); !ok {
			t.Error("ctrl-z does not suspend")
		}
		return
	}
	if c.notice.Text.Empty() {
		t.Error("ctrl-z does nothing and does not say why")
	}
}

// TestHelpLosesNoWord: what does not fit beside its key is wrapped.
func TestHelpLosesNoWord(t *testing.T) {
	c, pages, _ := testConsole()
	words := "one two three four five six seven eight nine ten eleven twelve"
	pages[0].acts[0].Help = lang.Raw(words)
	c.route(tea.WindowSizeMsg{Width: 40, Height: 30})
	press(c, "?")
	view := c.View()
	for _, word := range strings.Fields(words) {
		if !strings.Contains(view, word) {
			t.Errorf("%q is cut off:\n%s", word, view)
		}
	}
	for _, line := range strings.Split(view, "\n") {
		if cells.Width(line) > 40 {
			t.Errorf("too wide: %q", line)
		}
	}
}

// TestThePaletteGoesRoundAndShowsTheWholeText.
func TestThePaletteGoesRoundAndShowsTheWholeText(t *testing.T) {
	c, pages, _ := testConsole()
	words := "one two three four five six seven eight nine ten eleven twelve thirteen"
	pages[0].acts[0].Help = lang.Raw(words)
	c.route(tea.WindowSizeMsg{Width: 60, Height: 24})
	press(c, ":")
	p := c.top().Overlay.(*palette)
	press(c, "up")
	if p.narrow.Cursor() != len(p.hits)-1 {
		t.Errorf("up from the first is %d of %d", p.narrow.Cursor(), len(p.hits))
	}
	press(c, "down")
	if p.narrow.Cursor() != 0 {
		t.Errorf("down from the last is %d", p.narrow.Cursor())
	}
	for i := range p.hits {
		if p.hits[i].entry.action.ID == "status.open" {
			break
		}
		press(c, "down")
	}
	if view := c.View(); !strings.Contains(view, "thirteen") {
		t.Errorf("the text is cut off:\n%s", view)
	}
}

// TestEveryPageIsASCIIWhereAsked takes the golden screens of all pages at 80
// columns: beside the letters of names and messages nothing but ASCII is left.
func TestEveryPageIsASCIIWhereAsked(t *testing.T) {
	screens := 0
	for _, pattern := range []string{"*/testdata/*/*80x2*.golden", "*/testdata/*/*/80x2*/*.golden",
		"testdata/*/*/80x2*/*.golden"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			screens++
			for _, r := range cells.ASCII(string(text)) {
				if r > 127 && cells.Width(string(r)) != 2 {
					t.Errorf("%s: %q is left", file, r)
				}
			}
		}
	}
	if screens < 40 {
		t.Errorf("%d screens found", screens)
	}
	if got := cells.ASCII("850 µs"); got != "850 us" {
		t.Errorf("got %q", got)
	}
}
