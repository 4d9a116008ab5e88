package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
)

// TestThePaletteNeverOffersTheOppositeOfAWord: "undo" is the label of one act and in
// the help of another that makes undoing impossible.
func TestThePaletteNeverOffersTheOppositeOfAWord(t *testing.T) {
	c, _, _ := testConsole()
	run := func() tea.Cmd { return nil }
	c.o.Actions = []page.Action{
		{
			ID:     "x.drop",
			Label:  lang.M("drop old"),
			Help:   lang.M("drop the old tables kept for undo"),
			Writes: true,
			Run:    run,
		},
		{
			ID:     "x.undo",
			Label:  lang.M("undo"),
			Help:   lang.M("undo the restore: return to the state before it"),
			Writes: true,
			Run:    run,
		},
	}
	for _, p := range []*lang.Printer{lang.English(), lang.Chinese()} {
		c.env.Lang = p
		pal := newPalette(c)
		pal.narrow.Input.Set(p.T("undo"))
		pal.filter()
		if len(pal.hits) == 0 || pal.hits[0].entry.action.ID != "x.undo" {
			t.Fatalf("%s: the first of %d is not undo", p.Code(), len(pal.hits))
		}
		for _, h := range pal.hits {
			if h.entry.action.ID == "x.drop" {
				t.Errorf("%s: undo offers %q", p.Code(), h.entry.text)
			}
		}
	}
}

func TestHabitsOfTerminals(t *testing.T) {
	c, _, _ := testConsole()
	c.key(tea.KeyMsg{Type: tea.KeyF1})
	if len(c.stack) != 1 {
		t.Fatal("F1 does not help")
	}
	press(c, "esc")
	clear := c.key(tea.KeyMsg{Type: tea.KeyCtrlL})
	if clear == nil || clear() != tea.ClearScreen() {
		t.Error("ctrl-l does not draw the screen again")
	}
	press(c, ":")
	c.typed(tea.KeyMsg{Type: tea.KeyRunes, Paste: true, Runes: []rune("utc\nrm -rf")})
	if p, ok := c.top().Overlay.(*palette); !ok || p.narrow.Input.Value() != "utc" {
		t.Error("a pasted line break does not end the line")
	}
	press(c, "esc")
	c.notify(ops.StateWarning, lang.Raw("a notice"))
	if view := c.View(); !strings.Contains(view, "a notice") || !strings.Contains(view, "quit") {
		t.Error("a notice hides the keys")
	}
}

// TestAKeyThatDoesNothingSaysSo, but for those that move in a list and those of a text.
func TestAKeyThatDoesNothingSaysSo(t *testing.T) {
	c, pages, _ := testConsole()
	for _, key := range []string{"j", "k", "g", "G", "up", "enter"} {
		if press(c, key); strings.Contains(c.View(), "does nothing") {
			t.Errorf("%s: %s", key, c.View())
		}
	}
	if press(c, "x"); !strings.Contains(c.View(), "x does nothing here; ? lists the keys") {
		t.Errorf("no word about x:\n%s", c.View())
	}
	c.notice = page.Notice{}
	pages[0].text = true
	if press(c, "x"); strings.Contains(c.View(), "does nothing") {
		t.Errorf("a typed letter: %s", c.View())
	}
}

// TestALongNoticeIsReadToItsEnd: it covers more of the page rather than lose its next step.
func TestALongNoticeIsReadToItsEnd(t *testing.T) {
	c, _, _ := testConsole()
	c.route(tea.WindowSizeMsg{Width: 40, Height: 10})
	c.notify(ops.StateWarning, lang.Raw("could not copy: the terminal does not take it, and no file could be written"))
	view := c.View()
	if !strings.Contains(view, "could not copy") || !strings.Contains(view, "written") || !strings.Contains(view, "quit") {
		t.Errorf("cut:\n%s", view)
	}
	for i, line := range strings.Split(view, "\n") {
		if i > 9 || cells.Width(line) > 40 {
			t.Errorf("line %d: %q", i, line)
		}
	}
}

func TestASCIIIsASCIIAlone(t *testing.T) {
	for _, r := range cells.ASCII("a → b … c – d · 日志") {
		if r > 127 && r != '日' && r != '志' {
			t.Errorf("%q is left", r)
		}
	}
}

// TestArrowsInASCIIAreNoComparisons, and leave the columns where they are.
func TestArrowsInASCIIAreNoComparisons(t *testing.T) {
	for in, want := range map[string]string{
		"a → b   |":  "a -> b  |",
		"new ← old|": "new <- ol~",
		"→←    |xyz": "-><-  |xyz",
	} {
		if got := cells.ScreenInASCII(in, 10); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestThePaletteLeavesOutScatteredLetters where an action has the words; else they are better than nothing.
func TestThePaletteLeavesOutScatteredLetters(t *testing.T) {
	c, _, _ := testConsole()
	run := func() tea.Cmd { return nil }
	c.o.Actions = []page.Action{
		{ID: "x.slow", Label: lang.M("slow"), Help: lang.M("to the next operation of 1000 ms or more"), Run: run},
		{ID: "x.seal", Label: lang.M("export"), Help: lang.M("sort hits by relevance or by time"), Run: run},
	}
	found := func(typed string) (ids []string) {
		pal := newPalette(c)
		pal.narrow.Input.Set(typed)
		pal.filter()
		for _, h := range pal.hits {
			ids = append(ids, h.entry.action.ID)
		}
		return ids
	}
	if ids := found("slow"); len(ids) != 1 || ids[0] != "x.slow" {
		t.Errorf("slow finds %q", ids)
	}
	if ids := found("operation next"); len(ids) != 1 || ids[0] != "x.slow" {
		t.Errorf("operation next finds %q", ids)
	}
	if ids := found("lsthts"); len(ids) == 0 {
		t.Error("lsthts finds nothing")
	}
}

// TestTheReasonOfARefusedKeyGoesWithTheReason: "there is no plan yet" does not stay
// under the plan that has come since. Another notice stays.
func TestTheReasonOfARefusedKeyGoesWithTheReason(t *testing.T) {
	c, pages, _ := testConsole()
	planned := false
	pages[0].acts = append(pages[0].acts, page.Action{
		ID: "status.losses", Keys: []string{"o"}, Label: lang.Raw("losses"), Help: lang.Raw("losses"),
		Off: func() lang.Msg {
			if planned {
				return lang.Msg{}
			}
			return lang.M("there is no plan yet")
		},
		Run: func() tea.Cmd { return nil },
	})
	c.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	answer := page.Msg{To: "status"}
	press(c, "o")
	c.Update(answer)
	if !strings.Contains(c.View(), "there is no plan yet") {
		t.Error("an answer that changes nothing took the reason away")
	}
	planned = true
	c.Update(answer)
	if strings.Contains(c.View(), "there is no plan yet") {
		t.Error("the reason stays under the plan")
	}
	c.notify(ops.StateWarning, lang.Raw("a notice"))
	c.Update(answer)
	if !strings.Contains(c.View(), "a notice") {
		t.Error("another notice was taken away")
	}
}
