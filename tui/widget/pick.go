package widget

import (
	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/tui/page"
)

// Item is one thing to pick: what it is called, and what it is.
type Item struct{ Name, Detail string }

// Pick is a dialog that picks one of several things, narrowed by typing a part of
// it. Enter takes it, esc leaves.
type Pick struct {
	env    *page.Env
	title  lang.Msg
	items  []Item
	hits   []int
	narrow Narrow
	done   func(i int) tea.Cmd
}

// NewPick makes the dialog; done gets the index of what was picked.
func NewPick(env *page.Env, title lang.Msg, items []Item, done func(i int) tea.Cmd) *Pick {
	p := &Pick{env: env, title: title, items: items, narrow: Narrow{Input: NewInput("> ", "")}, done: done}
	p.filter()
	return p
}

// String and Len make the items a fuzzy.Source.
func (p *Pick) String(i int) string { return p.items[i].Name + " " + p.items[i].Detail }

// Len is the number of items.
func (p *Pick) Len() int { return len(p.items) }

func (p *Pick) filter() {
	p.hits = p.hits[:0]
	p.narrow.Top()
	if p.narrow.Input.Value() == "" {
		for i := range p.items {
			p.hits = append(p.hits, i)
		}
		return
	}
	for _, m := range fuzzy.FindFrom(p.narrow.Input.Value(), p) {
		p.hits = append(p.hits, m.Index)
	}
}

// Update takes a key.
func (p *Pick) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch p.narrow.Key(k, len(p.hits)) {
	case NarrowLeft:
		return nil, true
	case NarrowTaken:
		return p.done(p.hits[p.narrow.Cursor()]), true
	case NarrowTyped:
		p.filter()
	}
	return nil, false
}

// View draws the dialog.
func (p *Pick) View(size page.Size) string {
	row := func(i int, selected bool, w int) string { return p.row(p.items[p.hits[i]], selected, w) }
	return p.narrow.View(p.env, p.title, len(p.hits), p.env.T("nothing matches"), row, size)
}

func (p *Pick) row(it Item, selected bool, w int) string {
	t := p.env.Theme
	name := termsafe.Line(it.Name)
	detail := termsafe.Line(it.Detail)
	if selected {
		return SelectedRow(t, cells.Cut(name+"  "+detail, w-1), w)
	}
	return cells.Cut(" "+name+"  "+t.Dim.Render(detail), w)
}
