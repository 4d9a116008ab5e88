package runbookview

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops/runbook"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/walk"
	"opsdeck/tui/widget"
)

// shelf is one runbook.
type shelf struct{ asked []string }

func (s *shelf) Entries() []runbook.Entry {
	return []runbook.Entry{{Name: "restore", When: lang.M("Status")}}
}

func (s *shelf) Read(context.Context, string) (runbook.Book, error) {
	b := runbook.Book{Entry: s.Entries()[0], Service: "shop"}
	b.Steps = []runbook.Step{
		{Do: lang.M("Status"), Commands: []runbook.Command{{Line: "opsdeck status"},
			{Line: "opsdeck restore " + strings.Repeat("客户x ", 30)}}},
		{Do: lang.M("Status"), Commands: []runbook.Command{{Line: "rm -rf /", Harm: true}}},
		{Do: lang.M("Status"), Commands: []runbook.Command{{Line: "opsdeck restore --before ID", Fill: true}}},
	}
	return b, nil
}

func (s *shelf) Command(_ *lang.Printer, line string) *exec.Cmd {
	s.asked = append(s.asked, line)
	return exec.Command("true")
}

func newReader(code string) (*Reader, *shelf) {
	env := &page.Env{Ctx: context.Background(), Lang: lang.For(code), Theme: theme.New(theme.Options{NoColor: true}),
		Clock: clocktest.New(time.Unix(0, 0)), Zone: time.UTC}
	s := &shelf{}
	b, _ := s.Read(env.Ctx, "restore")
	r := New(env, s, b)
	r.View(page.Size{Width: 80, Height: 24})
	return r, s
}

func press(r *Reader, names ...string) (last tea.Msg) {
	for _, n := range names {
		k := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(n)}
		if n == "enter" {
			k = tea.KeyMsg{Type: tea.KeyEnter}
		}
		last = nil
		if cmd, _ := r.Update(k); cmd != nil {
			last = cmd()
		}
	}
	return last
}

// TestACommandIsShownBeforeItIsRun: enter alone runs nothing, and what has to be filled in
// or changes something in a read-only console is not offered.
func TestACommandIsShownBeforeItIsRun(t *testing.T) {
	r, s := newReader("en")
	if n, is := press(r, "enter").(page.Notice); !is || !strings.Contains(n.Text.String(), "no command is selected") {
		t.Errorf("%v", n)
	}
	o, is := press(r, "n", "enter").(page.Open)
	if !is || len(s.asked) != 1 || s.asked[0] != "opsdeck status" {
		t.Fatalf("asked %q", s.asked)
	}
	ask := o.Overlay.(*widget.Ask)
	if view := ask.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "opsdeck status") {
		t.Errorf("the command is not shown:\n%s", view)
	}
	if cmd, done := ask.Update(tea.KeyMsg{Type: tea.KeyEsc}); cmd != nil || !done {
		t.Error("esc runs it")
	}
	if cmd, done := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y")}); cmd == nil || !done {
		t.Error("y does not run it")
	}
	harm := press(r, "n", "n", "enter").(page.Open).Overlay.(*widget.Confirm)
	if cmd, done := harm.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y")}); cmd != nil || done {
		t.Error("what deletes is run on a key")
	}
	s.asked = s.asked[:1]
	if c, is := press(r, "n", "y").(page.Copy); !is || c.Text != "opsdeck restore --before ID" {
		t.Errorf("copied %v", c)
	}
	if _, is := press(r, "enter").(page.Notice); !is || len(s.asked) != 1 {
		t.Errorf("what has to be filled in is run: %q", s.asked)
	}
	r.env.ReadOnly = true
	if _, is := press(r, "p", "p", "enter").(page.Notice); !is || len(s.asked) != 1 {
		t.Errorf("run though read-only: %q", s.asked)
	}
}

// TestWalk looks at the dialog with the cursor on a long command.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		r, _ := newReader(code)
		press(r, "n", "n")
		return map[string]walk.Face{"book": {Env: r.env, View: func(size page.Size) string {
			return widget.Over(widget.Fill(nil, size), r.View(size), size)
		}}}
	})
}
