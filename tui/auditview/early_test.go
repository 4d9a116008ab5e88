package auditview

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/tui/page"
)

// TestAQueryTypedBeforeTheDatabaseAnswersIsAQuery: its letters are no keys, and it is asked
// once the table is there; so is what another tab hands over.
func TestAQueryTypedBeforeTheDatabaseAnswersIsAQuery(t *testing.T) {
	for _, typed := range []string{"/action:DELETE\r", "/action:DEL"} {
		src := sample(t)
		p := settled(t, "en", src)
		p.base.src, p.rows.list = nil, list{} // as before the first answer
		src.asked = nil
		connect := p.connect()
		for _, r := range typed {
			k := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
			if r == '\r' {
				k = tea.KeyMsg{Type: tea.KeyEnter}
			}
			if a, ok := page.ForKey(p.Actions(), k.String()); ok && !p.TakingText() {
				a.Run()
				continue
			}
			p.Key(k)
		}
		if view := p.View(page.Size{Width: 80, Height: 10}); !strings.Contains(view, "action:DEL") {
			t.Fatalf("%q is not in sight:\n%s", typed, view)
		}
		answer(p, connect)
		if !strings.HasSuffix(typed, "\r") {
			press(p, "E", "T", "E", "enter")
		}
		if got := src.asked[len(src.asked)-1].Filter; len(p.rows.list.rows) != 10 || p.base.query != "action:DELETE" {
			t.Errorf("%q: %d rows of %+v, query %q", typed, len(p.rows.list.rows), got, p.base.query)
		}
	}
	p := New(settled(t, "en", sample(t)).base.env, nil)
	p.open = settled(t, "en", sample(t)).open
	connect := p.Show()
	p.Update("action:DELETE")
	answer(p, connect)
	if len(p.rows.list.rows) != 10 {
		t.Errorf("%d rows for the query of another tab", len(p.rows.list.rows))
	}
}

// TestABadEarlyQueryIsSaid: what cannot be read is said once the table is there.
func TestABadEarlyQueryIsSaid(t *testing.T) {
	p := settled(t, "en", sample(t))
	p.base.query = "since:never"
	answer(p, p.editor.begin())
	if p.rows.list.err == nil {
		t.Error("nothing is said")
	}
}
