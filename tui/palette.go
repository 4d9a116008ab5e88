package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// palette finds any action of any page by a part of its words.
type palette struct {
	c      *Console
	narrow widget.Narrow
	all    []entry
	hits   []hit
}

type entry struct {
	page   int  // -1 for the console's own
	later  bool // the page may have it at another stage
	action page.Action
	label  string
	text   string // what is shown: tab, label, help
	latin  string // label and help in English, where they are shown in another language
}

type hit struct {
	entry   *entry
	matched []int
}

func newPalette(c *Console) *palette {
	p := &palette{c: c, narrow: widget.Narrow{Input: widget.NewInput(": ", c.env.T("type a part of an action's name"))}}
	later := false
	add := func(i int, actions []page.Action) {
		for _, a := range actions {
			if a.ID == "console.palette" || a.Run == nil {
				continue
			}
			label := c.env.Lang.Msg(a.Label)
			text := c.env.Lang.Msg(a.Help)
			if !strings.Contains(strings.ToLower(text), strings.ToLower(label)) {
				text = label + " – " + text
			}
			if i >= 0 {
				text = c.env.T("%s: %s", c.o.Pages[i].Title(), text)
			}
			latin := ""
			if c.env.Lang.Code() != "en" { // over ssh there may be no way to type the other
				latin = lang.English().Msg(a.Label) + " " + lang.English().Msg(a.Help)
			}
			p.all = append(p.all, entry{i, later, a, label, text, latin})
		}
	}
	add(c.active, c.page().Actions())
	for i, pg := range c.o.Pages {
		if i != c.active {
			add(i, pg.Actions())
		}
	}
	add(-1, c.o.Actions)
	add(-1, c.actions)
	later = true
	for i, pg := range c.o.Pages {
		if staged, ok := pg.(page.Staged); ok {
			add(i, missing(staged.Later(), pg.Actions()))
		}
	}
	p.filter()
	return p
}

// missing are the actions that others do not hold.
func missing(actions, others []page.Action) (out []page.Action) {
	for _, a := range actions {
		if !slices.ContainsFunc(others, func(o page.Action) bool { return o.ID == a.ID }) {
			out = append(out, a)
		}
	}
	return out
}

// String and Len make the entries a fuzzy.Source.
func (p *palette) String(i int) string { return p.all[i].text + " " + p.all[i].action.ID }

// Len is the number of entries.
func (p *palette) Len() int { return len(p.all) }

func (p *palette) filter() {
	p.hits = p.hits[:0]
	if p.narrow.Input.Value() == "" {
		for i := range p.all {
			p.hits = append(p.hits, hit{&p.all[i], nil})
		}
	} else {
		p.match(strings.ToLower(p.narrow.Input.Value()))
	}
	p.narrow.Top()
}

// match lists the actions whose words hold what is typed. Only where there is none,
// those that have its letters scattered: an abbreviation, or a slip.
func (p *palette) match(typed string) {
	for i := range p.all {
		if p.fit(&p.all[i], typed) < fitLetters {
			p.hits = append(p.hits, hit{&p.all[i], nil})
		}
	}
	if len(p.hits) == 0 {
		for _, m := range fuzzy.FindFrom(typed, p) {
			p.hits = append(p.hits, hit{&p.all[m.Index], m.MatchedIndexes})
		}
	}
	p.wordsFirst(typed)
}

// wordsFirst puts labels that fit what is typed first, then texts of which a word
// begins so, then those that hold it in one piece, and marks the piece. Where a label
// fits, what changes something and has the word in its help alone is left out: the
// help of an act may name its opposite.
func (p *palette) wordsFirst(typed string) {
	at := func(h hit) int { return strings.Index(strings.ToLower(h.entry.text), typed) }
	slices.SortStableFunc(p.hits, func(a, b hit) int { return p.fit(a.entry, typed) - p.fit(b.entry, typed) })
	if len(p.hits) > 0 && p.fit(p.hits[0].entry, typed) < fitWord {
		p.hits = slices.DeleteFunc(p.hits,
			func(h hit) bool { return h.entry.action.Writes && p.fit(h.entry, typed) >= fitWord })
	}
	for i, h := range p.hits {
		if n := at(h); n >= 0 {
			p.hits[i].matched = nil
			for j := range len(typed) {
				p.hits[i].matched = append(p.hits[i].matched, n+j)
			}
		}
	}
}

// How well an action fits what is typed, best first.
const (
	fitLabel   = iota // it is the label
	fitStart          // the label begins so
	fitInLabel        // a word of the label begins so
	fitWord           // a word of the help begins so
	fitText           // label or help hold it
	fitWords          // they hold each of its words
	fitLetters        // its letters are there, scattered
)

func (p *palette) fit(e *entry, typed string) int {
	label := strings.ToLower(e.label)
	typed = strings.TrimSpace(typed)
	switch {
	case label == typed:
		return fitLabel
	case strings.HasPrefix(label, typed):
		return fitStart
	case strings.Contains(" "+label, " "+typed):
		return fitInLabel
	case strings.Contains(" "+strings.ToLower(e.text), " "+typed):
		return fitWord
	case strings.Contains(strings.ToLower(e.text), typed):
		return fitText
	case widget.Holds(e.text, typed):
		return fitWords
	case typed != "" && strings.HasPrefix(verbOf(e.action), typed), e.latin != "" && widget.Holds(e.latin, typed):
		return fitWords
	}
	return fitLetters
}

// verbOf is the word of an action in commands, whatever the language: undo of restore.undo.
func verbOf(a page.Action) string { return a.ID[strings.LastIndexByte(a.ID, '.')+1:] }

// Update takes a key.
func (p *palette) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch p.narrow.Key(k, len(p.hits)) {
	case widget.NarrowLeft:
		return nil, true
	case widget.NarrowTaken:
		return p.run(p.hits[p.narrow.Cursor()].entry), true
	case widget.NarrowTyped:
		p.filter()
	}
	return nil, false
}

func (p *palette) run(e *entry) tea.Cmd {
	var cmds []tea.Cmd
	if e.page >= 0 {
		cmds = append(cmds, p.c.goTo(e.page))
	}
	if e.later && e.action.Why(p.c.env).Empty() {
		return tea.Batch(append(cmds, p.c.notify(ops.StateOK,
			lang.M("%s: press %s here, once the keys below show it", e.action.Label, keyName(e.action.Keys[0]))))...)
	}
	return tea.Batch(append(cmds, p.c.run(e.action))...)
}

// View draws the palette.
func (p *palette) View(size page.Size) string {
	row := func(i int, selected bool, w int) string { return p.row(p.hits[i], selected, w) }
	p.narrow.Foot = nil
	if size.Height >= tall {
		p.narrow.Foot = p.whole
	}
	return p.narrow.View(p.c.env, lang.M("Palette"), len(p.hits), p.c.env.T("no action matches"), row, size)
}

// whole is the text of the line at the cursor, which its row may cut, in two lines.
func (p *palette) whole(at, w int) []string {
	out := []string{"", ""}
	e := p.hits[at].entry
	text := e.text
	if why := e.action.Why(p.c.env); !why.Empty() {
		text += " – " + p.c.env.Lang.Msg(why)
	}
	for i, line := range cells.Wrap(text, w) {
		if i < len(out) {
			out[i] = p.c.env.Theme.Dim.Render(line)
		}
	}
	return out
}

func (p *palette) row(h hit, selected bool, w int) string {
	t, env := p.c.env.Theme, p.c.env
	key := ""
	if len(h.entry.action.Keys) > 0 {
		key = keyName(h.entry.action.Keys[0])
	}
	room := max(1, w-cells.Width(key)-3)
	if selected {
		return widget.SelectedRow(t, cells.Pad(h.entry.text, room)+" "+key+" ", w)
	}
	text := highlight(h.entry.text, h.matched, t.Match.Render)
	if why := h.entry.action.Why(env); !why.Empty() {
		text = t.Dim.Render(h.entry.text + " – " + env.Lang.Msg(why))
	}
	return " " + cells.Pad(text, room) + " " + t.Key.Render(key) + " "
}

// highlight styles the matched bytes' runes; positions beyond the text (in the
// action's ID) are passed over.
func highlight(text string, matched []int, style func(...string) string) string {
	if len(matched) == 0 {
		return text
	}
	on := map[int]bool{}
	for _, i := range matched {
		on[i] = true
	}
	out := ""
	for i, r := range text {
		if on[i] {
			out += style(string(r))
		} else {
			out += string(r)
		}
	}
	return out
}
