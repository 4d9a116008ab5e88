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
	input  Input
	scroll Scroll
	done   func(i int) tea.Cmd
}

// NewPick makes the dialog; done gets the index of what was picked.
func NewPick(env *page.Env, title lang.Msg, items []Item, done func(i int) tea.Cmd) *Pick {
	p := &Pick{env: env, title: title, items: items, input: NewInput("> ", ""), done: done}
	p.filter()
	return p
}

// String and Len make the items a fuzzy.Source.
func (p *Pick) String(i int) string { return p.items[i].Name + " " + p.items[i].Detail }

// Len is the number of items.
func (p *Pick) Len() int { return len(p.items) }

func (p *Pick) filter() {
	p.hits, p.scroll = p.hits[:0], Scroll{}
	if p.input.Value() == "" {
		for i := range p.items {
			p.hits = append(p.hits, i)
		}
		return
	}
	for _, m := range fuzzy.FindFrom(p.input.Value(), p) {
		p.hits = append(p.hits, m.Index)
	}
}

// Update takes a key.
func (p *Pick) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "up", "down", "pgup", "pgdown":
		p.scroll.Key(k.String())
	case "enter":
		if len(p.hits) == 0 {
			return nil, false
		}
		return p.done(p.hits[p.scroll.Cursor]), true
	default:
		before := p.input.Value()
		if p.input.Key(k); p.input.Value() != before {
			p.filter()
		}
	}
	return nil, false
}

// View draws the dialog.
func (p *Pick) View(size page.Size) string {
	t, e := p.env.Theme, p.env
	w, h := max(1, min(size.Width-4, 76)), max(1, min(size.Height-5, 14))
	p.scroll.Resize(len(p.hits), h)
	lines := []string{p.input.View(t, w), Rule(t, "", w)}
	from, to := p.scroll.Window()
	for i := from; i < to; i++ {
		lines = append(lines, p.row(p.items[p.hits[i]], i == p.scroll.Cursor, w))
	}
	if len(p.hits) == 0 {
		lines = append(lines, t.Dim.Render(e.T("nothing has these letters")))
	}
	for len(lines) < h+2 {
		lines = append(lines, "")
	}
	return Box(t, " "+e.Lang.Msg(p.title)+" ", lines, size)
}

func (p *Pick) row(it Item, selected bool, w int) string {
	t := p.env.Theme
	name, detail := termsafe.Line(it.Name), termsafe.Line(it.Detail)
	if selected {
		return t.Selected.Render(cells.Pad(t.Glyph.Cursor+cells.Cut(name+"  "+detail, w-1), w))
	}
	return cells.Cut(" "+name+"  "+t.Dim.Render(detail), w)
}
