package auditview

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/tui/page"
)

// opened is the form as the console would show it.
func opened(t *testing.T, p *Page) *form {
	t.Helper()
	for _, m := range press(p, "F") {
		if o, ok := m.(page.Open); ok {
			return o.Overlay.(*form)
		}
	}
	t.Fatal("no form was opened")
	return nil
}

// fillIn types into the form; names of keys are keys.
func fillIn(p *Page, f *form, keys ...string) (done bool) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		for typ, name := range map[tea.KeyType]string{tea.KeyEnter: "enter", tea.KeyEsc: "esc", tea.KeyDown: "down",
			tea.KeyUp: "up", tea.KeyTab: "tab", tea.KeyCtrlL: "ctrl+l"} {
			if k == name {
				msg = tea.KeyMsg{Type: typ}
			}
		}
		var cmd tea.Cmd
		cmd, done = f.Update(msg)
		answer(p, cmd)
	}
	return done
}

func TestTheFormWritesAQueryAndReadsItBack(t *testing.T) {
	src := sample(t)
	p := settled(t, "en", src)
	f := opened(t, p)
	if done := fillIn(p, f, "3,4", "down", "del", "tab", "down", "down", "-24h", "down", "down", "status",
		"enter"); !done ||
		p.base.query != `user:3,4 action:DELETE since:-24h changed:status` {
		t.Fatalf("done %v: %q", done, p.base.query)
	}
	// What the fields cannot say stays as it was written.
	p.editor.ask(`-action:LOGIN user:1 user:2 ip:10.0.* "a b" text:"x, y"`)
	f = opened(t, p)
	if got := f.query(); got != `user:1 ip:10.0.* text:"x, y" -action:LOGIN user:2 "a b"` {
		t.Fatalf("read back as %q", got)
	}
	if fillIn(p, f, "ctrl+l", "enter"); p.base.query != "" {
		t.Fatalf("cleared to %q", p.base.query)
	}
}

func TestTheFormSaysWhatIsWrongAndStays(t *testing.T) {
	p := settled(t, "en", sample(t))
	f := opened(t, p)
	if done := fillIn(p, f, "down", "down", "down", "2026-02-30", "enter"); done ||
		!strings.Contains(f.View(page.Size{Width: 80, Height: 24}), "28 days") {
		t.Fatalf("done %v:\n%s", done, f.View(page.Size{Width: 80, Height: 24}))
	}
	if done := fillIn(p, f, "esc"); !done || p.base.query != "" {
		t.Fatalf("done %v, query %q", done, p.base.query)
	}
}

func TestTheFormOffersValuesThatExist(t *testing.T) {
	for _, size := range []page.Size{{Width: 80, Height: 24}, {Width: 40, Height: 10}, {Width: 20, Height: 5}} {
		p := settled(t, "zh", sample(t))
		f := opened(t, p)
		fillIn(p, f, "down", "D")
		view := f.View(size)
		for _, l := range strings.Split(view, "\n") {
			if w := len([]rune(l)); w > size.Width {
				t.Fatalf("%d runes in a line of %d:\n%s", w, size.Width, view)
			}
		}
		if size.Width == 80 && !strings.Contains(view, "DELETE") {
			t.Fatalf("no offer:\n%s", view)
		}
	}
}
