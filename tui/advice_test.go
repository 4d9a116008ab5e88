package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// TestTheVerdictAdvisesWhatWorksInTheTabInFront holds that one verdict names another
// key in another tab and another language.
func TestTheVerdictAdvisesWhatWorksInTheTabInFront(t *testing.T) {
	c, _, _ := testConsole()
	c.route(page.Verdict{State: ops.StateCritical, Text: lang.M("Answer it: opsdeck restore attach.")})
	sees := func(want string) {
		t.Helper()
		if view := c.View(); !strings.Contains(view, want) {
			t.Errorf("%q is not in the verdict:\n%s", want, strings.Join(strings.Split(view, "\n")[:3], "\n"))
		}
	}
	sees("Answer it: press 3.")
	press(c, "3")
	sees("Answer it here.")
	press(c, "L")
	sees("请答复：见下方。")
	press(c, "1")
	sees("请答复：按 3。")
}

// TestAKeyThatCameTooEarlyIsTold holds that a key that a dialog refuses, because it
// was typed before the dialog could be read, is not lost in silence.
func TestAKeyThatCameTooEarlyIsTold(t *testing.T) {
	c, _, fake := testConsole()
	c.route(page.Open{Overlay: widget.NewAsk(c.env, lang.Raw("x"), nil, true,
		widget.Choice{Key: "y", Label: lang.Raw("yes")})})
	press(c, "y")
	if view := c.View(); !strings.Contains(view, "press it again") {
		t.Errorf("nothing is said:\n%s", view)
	}
	fake.Advance(grace + time.Millisecond)
	press(c, "y")
	if len(c.stack) != 0 {
		t.Error("the key was refused though the dialog was on the screen")
	}
}

// TestThePaletteFindsWordsInAnyOrder holds that where words fit, an action that
// merely has the letters somewhere is not offered, and that words may come in any order.
func TestThePaletteFindsWordsInAnyOrder(t *testing.T) {
	c, _, _ := testConsole()
	hits := func(typed string) (labels []string) {
		p := newPalette(c)
		p.narrow.Input.Set(typed)
		p.filter()
		for _, h := range p.hits {
			labels = append(labels, h.entry.action.ID)
		}
		return labels
	}
	for typed, want := range map[string]string{
		"service stop": "status.stop",
		"help":         "console.help",
		"mouse":        "console.mouse",
	} {
		if got := hits(typed); len(got) == 0 || got[0] != want {
			t.Errorf("%q finds %v first, want %s", typed, got, want)
		}
	}
	for _, id := range hits("stop") {
		if id != "status.stop" {
			t.Errorf("stop finds %s", id)
		}
	}
	if len(hits("swlng")) == 0 { // switch language
		t.Error("an abbreviation finds nothing")
	}
}

// stagedPage has an action that depends on what it finds.
type stagedPage struct{ *fakePage }

func (p stagedPage) Later() []page.Action {
	return []page.Action{{ID: "restore.undo", Keys: []string{"Z"}, Label: lang.Raw("撤销"), Help: lang.Raw("return"),
		Run: func() tea.Cmd { panic("it runs in a tab that was not looked at") }}}
}

// TestThePaletteFindsEnglishWordsInChinese: over ssh there may be no way to type the other.
func TestThePaletteFindsEnglishWordsInChinese(t *testing.T) {
	c, _, _ := testConsole()
	c.env.Lang = lang.Chinese()
	for typed, want := range map[string]string{"local time": "console.zone", "dark": "console.theme"} {
		p := newPalette(c)
		p.narrow.Input.Set(typed)
		if p.filter(); len(p.hits) == 0 || p.hits[0].entry.action.ID != want {
			t.Errorf("%s does not find %s first: %d actions", typed, want, len(p.hits))
		}
	}
}

// TestThePaletteKnowsWhatATabMayHave: in an emergency undo is found before the Restore tab
// was opened, by the command's word in each language, and brings that tab to the front.
func TestThePaletteKnowsWhatATabMayHave(t *testing.T) {
	c, pages, _ := testConsole()
	c.o.Pages[2] = stagedPage{pages[2]}
	press(c, ":", "undo")
	if view := c.View(); !strings.Contains(view, "撤销") {
		t.Fatalf("it is not found:\n%s", view)
	}
	press(c, "enter")
	if c.page().ID() != "restore" || !strings.Contains(c.View(), "press Z here") {
		t.Errorf("in %s:\n%s", c.page().ID(), c.View())
	}
}
