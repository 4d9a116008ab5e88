package widget

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// TestAPromptShowsAllOfItsSentenceAndItsValueGivesWay: what it asks for is wrapped, and a
// value that was proposed is taken whole or replaced, never added to.
func TestAPromptShowsAllOfItsSentenceAndItsValueGivesWay(t *testing.T) {
	env := &page.Env{Lang: lang.English(), Theme: theme.New(theme.Options{NoColor: true})}
	for keys, want := range map[string]string{"\r": "was", "new\r": "new", "\x7f\r": "wa", " x\r": " x"} {
		got := ""
		p := NewPrompt(env, lang.Raw("T"), strings.Repeat("word ", 30)+"end", "was", func(text string) tea.Cmd {
			got = text
			return nil
		}).Replaced()
		for _, size := range []page.Size{{Width: 80, Height: 24}, {Width: 40, Height: 10}} {
			view := p.View(size)
			if size.Height > 20 && !strings.Contains(view, "end") || !strings.Contains(view, "was") {
				t.Errorf("%v:\n%s", size, view)
			}
		}
		for _, r := range keys {
			k := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
			switch r {
			case '\r':
				k = tea.KeyMsg{Type: tea.KeyEnter}
			case '\x7f':
				k = tea.KeyMsg{Type: tea.KeyBackspace}
			case ' ':
				k = tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
			}
			p.Update(k)
		}
		if got != want {
			t.Errorf("%q gives %q, want %q", keys, got, want)
		}
	}
}
