package tui

import (
	"context"
	"io"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// shown is a console without tabs: one dialog, and those that it opens.
type shown struct{ *Console }

// Show shows a dialog alone until it is left.
func Show(ctx context.Context, o Options, dialog page.Overlay, in io.Reader, out io.Writer) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	o.Env.Ctx = inner
	c := New(o)
	c.push(dialog)
	return run(ctx, cancel, c, shown{c}, in, out)
}

// Init does nothing.
func (s shown) Init() tea.Cmd { return nil }

// Update takes a message; when the last dialog is left, it ends.
func (s shown) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := s.Console.Update(msg)
	if len(s.stack) == 0 {
		return s, tea.Quit
	}
	return s, cmd
}

// View draws the dialogs over nothing, and a notice below them.
func (s shown) View() string {
	c := s.Console
	w, h := c.size.Width, c.size.Height
	if w < 1 || h < 1 {
		return ""
	}
	lines := make([]string, h)
	room := h
	if !c.notice.Text.Empty() && h > 1 {
		covers := noticeLines(c, w, min(longestNotice, h-1))
		room -= len(covers)
		copy(lines[room:], covers)
	}
	out := widget.Fill(lines, c.size)
	for i := range c.stack {
		o := &c.stack[i]
		if o.shown.IsZero() {
			o.shown = c.env.Clock.Now()
		}
		out = widget.Over(out, o.View(page.Size{Width: w, Height: room}), c.size)
	}
	if c.env.Theme.ASCII {
		return cells.ScreenInASCII(out, w)
	}
	return strings.TrimRight(out, "\n")
}
