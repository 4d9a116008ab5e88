package restoreview

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// pick is a row of a picker.
type pick struct {
	id, text string
	on       bool
}

// picker is a dialog that chooses one row, or several.
type picker struct {
	env    *page.Env
	title  lang.Msg
	rows   []pick
	many   bool
	scroll widget.Scroll
	chosen func(ids []string) tea.Cmd
}

func newPicker(env *page.Env, title lang.Msg, rows []pick, many bool, chosen func(ids []string) tea.Cmd) *picker {
	return &picker{env: env, title: title, rows: rows, many: many, chosen: chosen}
}

// at puts the cursor on a row, if it is there.
func (d *picker) at(id string) *picker {
	for i, r := range d.rows {
		if r.id == id {
			d.scroll.Cursor = i
		}
	}
	return d
}

// Guarded makes the console drop keys that were typed before the dialog showed.
func (d *picker) Guarded() bool { return true }

// Update takes a key.
func (d *picker) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch name := k.String(); name {
	case "esc", "q", "ctrl+c":
		return nil, true
	case " ", "x":
		if d.many && len(d.rows) > 0 {
			d.rows[d.scroll.Cursor].on = !d.rows[d.scroll.Cursor].on
			d.scroll.Move(1)
		}
	case "enter":
		return d.done()
	default:
		d.scroll.Key(name)
	}
	return nil, false
}

func (d *picker) done() (tea.Cmd, bool) {
	var ids []string
	for i, r := range d.rows {
		if d.many && r.on || !d.many && i == d.scroll.Cursor {
			ids = append(ids, r.id)
		}
	}
	if !d.many && len(ids) == 0 {
		return nil, true
	}
	return d.chosen(ids), true
}

// View draws the dialog.
func (d *picker) View(size page.Size) string {
	t, e := d.env.Theme, d.env
	height := max(1, size.Height-5)
	d.scroll.Resize(len(d.rows), height)
	from, to := d.scroll.Window()
	var lines []string
	for i := from; i < to; i++ {
		text := d.rows[i].text
		if d.many {
			mark := "[ ] "
			if d.rows[i].on {
				mark = "[" + t.Glyph.Check + "] "
			}
			text = mark + text
		}
		text = cells.Cut(text, size.Width-6)
		if i == d.scroll.Cursor {
			lines = append(lines, t.Selected.Render(t.Glyph.Cursor+text))
			continue
		}
		lines = append(lines, " "+text)
	}
	if len(d.rows) == 0 {
		lines = append(lines, e.T("There is nothing to choose from."))
	}
	keys := widget.KeyHelp(t, "enter", e.T("choose")) + "  " + widget.KeyHelp(t, "esc", e.T("back"))
	if d.many {
		keys = widget.KeyHelp(t, "space", e.T("mark")) + "  " + keys
	}
	return widget.Box(t, " "+e.Lang.Msg(d.title)+" ", append(lines, "", keys), size)
}
