// Package runbookview shows the runbooks: a list of them, and one with its steps and the
// commands that do them. A command is run on a key, after it was shown.
package runbookview

import (
	"context"
	"os/exec"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/runbook"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Shelf is where the runbooks are.
type Shelf interface {
	Entries() []runbook.Entry
	// Read fills a runbook for the service. It takes time.
	Read(ctx context.Context, name string) (runbook.Book, error)
	// Command runs a line in the terminal, and waits there until the person has read what
	// it printed.
	Command(l *lang.Printer, line string) *exec.Cmd
}

// Open opens the list of runbooks.
func Open(env *page.Env, shelf Shelf) tea.Cmd {
	entries := shelf.Entries()
	var items []widget.Item
	for _, e := range entries {
		items = append(items, widget.Item{Name: e.Name, Detail: env.Lang.Msg(e.When)})
	}
	return page.Send(page.Open{Overlay: widget.NewPick(env, lang.M("Runbooks"), items, func(i int) tea.Cmd {
		return open(env, shelf, entries[i].Name)
	})})
}

// open reads a runbook and opens it.
func open(env *page.Env, shelf Shelf, name string) tea.Cmd {
	ctx := env.Ctx
	return func() tea.Msg {
		b, err := shelf.Read(ctx, name)
		if err != nil {
			return page.Notice{State: ops.StateCritical, Text: lang.Raw(err.Error())}
		}
		return page.Open{Overlay: New(env, shelf, b)}
	}
}

// Reader is the dialog of one runbook.
type Reader struct {
	env    *page.Env
	shelf  Shelf
	book   runbook.Book
	scroll widget.Scroll
	rows   []row
	width  int
}

// row is a line on the screen; command is the one it belongs to, or nil.
type row struct {
	text    string
	command *runbook.Command
}

// New makes the dialog of a runbook.
func New(env *page.Env, shelf Shelf, b runbook.Book) *Reader {
	return &Reader{env: env, shelf: shelf, book: b}
}

// ranMsg is the end of a command that was run.
type ranMsg struct{}

// Update takes a key.
func (r *Reader) Update(msg tea.Msg) (tea.Cmd, bool) {
	if _, ran := msg.(ranMsg); ran {
		return tea.Batch(tea.ClearScreen, page.Send(page.Changed{})), false
	}
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch name := k.String(); name {
	case "esc", "q", "ctrl+c":
		return nil, true
	case "enter":
		return r.ask(), false
	case "y":
		if c := r.current(); c != nil {
			return page.Send(page.Copy{Text: c.Line}), false
		}
	case "n", "tab":
		r.jump(1)
	case "p", "shift+tab":
		r.jump(-1)
	default:
		r.scroll.Key(name)
	}
	return nil, false
}

// current is the command under the cursor, or nil.
func (r *Reader) current() *runbook.Command {
	if r.scroll.Cursor < len(r.rows) {
		return r.rows[r.scroll.Cursor].command
	}
	return nil
}

// jump moves the cursor to the next command, or the one before.
func (r *Reader) jump(step int) {
	now := r.current()
	for at := r.scroll.Cursor + step; at >= 0 && at < len(r.rows); at += step {
		if c := r.rows[at].command; c != nil && c != now {
			for step < 0 && at > 0 && r.rows[at-1].command == c {
				at-- // its first line
			}
			r.scroll.Move(at - r.scroll.Cursor)
			return
		}
	}
}

// ask shows the command under the cursor once more, and runs it when that is wanted.
func (r *Reader) ask() tea.Cmd {
	c := r.current()
	var why lang.Msg
	switch {
	case c == nil:
		why = lang.M("no command is selected: n goes to the next one")
	case c.Fill:
		why = lang.M("this command needs something filled in first: y copies it")
	case r.env.ReadOnly:
		why = lang.M("read-only mode: opsdeck was started with --read-only")
	}
	if !why.Empty() {
		return page.Send(page.Notice{State: ops.StateWarning, Text: why})
	}
	env, line := r.env, c.Line
	cmd := r.shelf.Command(env.Lang, line)
	run := func() tea.Cmd { return tea.ExecProcess(cmd, func(error) tea.Msg { return ranMsg{} }) }
	if c.Harm {
		body := []lang.Msg{lang.Raw(line), lang.M("It overwrites or deletes data.")}
		ask := widget.NewConfirm(env, lang.M("Run this command?"), body, r.book.Service, run)
		return page.Send(page.Open{Overlay: ask})
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(env, lang.M("Run this command?"), []lang.Msg{
		lang.Raw(line), lang.M("It runs in this terminal. Enter returns to the runbook afterwards."),
	}, true, widget.Choice{Key: "y", Label: lang.M("run it"), Run: run})})
}

// View draws the dialog.
func (r *Reader) View(size page.Size) string {
	t, e := r.env.Theme, r.env
	w := max(1, min(size.Width-4, 110))
	if w != r.width {
		r.layout(w)
	}
	foot := r.foot(w)
	height := max(1, size.Height-2-len(foot))
	r.scroll.Resize(len(r.rows), height)
	from, to := r.scroll.Window()
	var lines []string
	for i := from; i < to; i++ {
		text := cells.Pad(r.rows[i].text, w)
		switch {
		case r.rows[i].command != nil && r.rows[i].command == r.current():
			text = widget.SelectedRow(t, text[1:], w)
		case i == r.scroll.Cursor:
			text = t.Bold.Render(text)
		case r.rows[i].command != nil:
			text = t.Info.Render(text)
		}
		lines = append(lines, text)
	}
	title := e.T("Runbook %s: %s", r.book.Name, r.book.When)
	return widget.Box(t, " "+termsafe.Line(title)+" ", append(lines, foot...), size)
}

// foot are the keys.
func (r *Reader) foot(w int) []string {
	t, e := r.env.Theme, r.env
	keys := []string{
		widget.KeyHelp(t, "n", e.T("next command")),
		widget.KeyHelp(t, "enter", e.T("run")),
		widget.KeyHelp(t, "y", e.T("copy")),
		widget.KeyHelp(t, "esc", e.T("back")),
	}
	line := ""
	for _, k := range keys {
		if line != "" {
			line += "  "
		}
		line += k
	}
	return []string{cells.Cut(line, w)}
}

// stepIndent is how far the commands of a step stand in.
const stepIndent = 3

// layout makes the rows for a width; the cursor stays on its command.
func (r *Reader) layout(w int) {
	now := r.current()
	r.width, r.rows = w, nil
	for i := range r.book.Steps {
		s := &r.book.Steps[i]
		if i > 0 {
			r.rows = append(r.rows, row{})
		}
		number := cells.Pad(strconv.Itoa(i+1)+".", stepIndent)
		for _, part := range cells.Wrap(r.env.Lang.Msg(s.Do), max(1, w-stepIndent)) {
			r.rows = append(r.rows, row{text: number + part})
			number = cells.Pad("", stepIndent)
		}
		for j := range s.Commands {
			c := &s.Commands[j]
			mark := "   $ "
			for _, part := range cells.Wrap(termsafe.Line(c.Line), max(1, w-len(mark))) {
				r.rows = append(r.rows, row{mark + part, c})
				mark = "     "
			}
		}
	}
	r.scroll.Len = len(r.rows)
	for i, one := range r.rows {
		if now != nil && one.command == now {
			r.scroll.Cursor = i
			return
		}
	}
}
