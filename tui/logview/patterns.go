package logview

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// patterns is what the events have in common.
type patterns struct {
	list    []store.EventPattern
	with    store.Comparison
	scroll  widget.Scroll
	loading bool
	gen     page.Gen
}

type patternsMsg struct {
	list []store.EventPattern
	with store.Comparison
	gen  uint64
}

func (p *Page) openPatterns() tea.Cmd {
	p.look.mode = patternMode
	p.groups.patterns.loading = true
	source := p.feed.source
	ctx := p.look.env.Ctx
	until := p.look.incident
	gen := p.groups.patterns.gen.Next()
	return func() tea.Msg {
		list, with := source.Patterns(ctx, until)
		return send(patternsMsg{list, with, gen})
	}
}

func (p *grouping) takePatterns(m patternsMsg) {
	if p.patterns.gen.Is(m.gen) {
		p.patterns.list = m.list
		p.patterns.with = m.with
		p.patterns.loading = false
	}
}

func (p *Page) patternActions() []page.Action {
	none := func() lang.Msg {
		if len(p.groups.patterns.list) == 0 {
			return lang.M("no event is listed")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "p", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { p.look.mode = listMode; return p.feed.load() },
		},
		{
			ID:     "logs.only",
			Keys:   []string{"enter"},
			Label:  lang.M("only these"),
			Help:   lang.M("show only events of this pattern"),
			Footer: true,
			Off:    none,
			Run:    func() tea.Cmd { return p.finder.searchPattern("'") },
		},
		{
			ID:     "logs.without",
			Keys:   []string{"x"},
			Label:  lang.M("exclude these"),
			Help:   lang.M("show all events except those of this pattern"),
			Footer: true,
			Off:    none,
			Run:    func() tea.Cmd { return p.finder.searchPattern("!head:") },
		},
		{
			ID:     "logs.recount",
			Keys:   []string{"r"},
			Label:  lang.M("count again"),
			Help:   lang.M("count again"),
			Footer: true,
			Run:    p.openPatterns,
		},
	}
}

// searchPattern adds the pattern's longest fixed piece to the query; without the
// pattern whole events are left out, with all their lines.
func (p *finder) searchPattern(mark string) tea.Cmd {
	piece := p.groups.patterns.list[p.groups.patterns.scroll.Cursor].Literal
	if mark != "'" { // quotes have a meaning behind a key
		piece = slices.MaxFunc(strings.Split(piece, `"`), func(a, b string) int { return len(a) - len(b) })
		piece = strings.TrimSpace(piece)
	}
	p.look.mode = listMode
	if piece == "" {
		return nil
	}
	word := mark + strings.ReplaceAll(piece, " ", `\ `)
	text := strings.TrimSpace(p.ask.query.Source + " " + word)
	p.box.input.Set(text)
	return tea.Batch(p.box.remember(text), p.search(text))
}

func (p *grouping) viewPatterns(size page.Size) string {
	e := p.look.env
	title := e.T("%d patterns", len(p.patterns.list))
	if since := p.patterns.with.Since; !since.IsZero() {
		title += p.compared(since)
	}
	if p.patterns.loading {
		title = e.T("counting …")
	}
	p.patterns.scroll.Resize(len(p.patterns.list), size.Height-1)
	lines := []string{" " + p.look.ink.dim.Paint(cells.Cut(title, size.Width-2))}
	from, to := p.patterns.scroll.Window()
	for i := from; i < to; i++ {
		lines = append(lines, p.patternRow(&p.patterns.list[i], i == p.patterns.scroll.Cursor, size.Width))
	}
	return widget.Fill(lines, size)
}

// compared says what new and more are measured by.
func (p *grouping) compared(since time.Time) string {
	e := p.look.env
	if !p.patterns.with.Healthy {
		return e.T(" · new and more in the hour from %s", e.Time(since))
	}
	return e.T(" · new and more since %s (healthy until then)", e.Time(since))
}

func (p *grouping) patternRow(t *store.EventPattern, cursor bool, width int) string {
	mark := " "
	if cursor {
		mark = p.look.ink.accent.Paint(p.look.env.Theme.Glyph.Cursor)
	}
	line := mark + cells.PadLeft(human.Count(t.Count), 7) + " " + p.look.change(t)
	if width >= 60 {
		line += p.look.ink.level[t.Level].Paint(cells.Pad(levelWord(t.Level), 6))
	}
	if width >= 100 {
		line += p.look.ink.dim.Paint(cells.Pad(p.look.stretch(t.First, t.Last), 24))
	}
	if t.Critical {
		line += p.look.ink.crit.Paint(p.look.env.Theme.Glyph.Crit) + " "
	}
	return cells.Cut(line+p.look.readable(t.Text), width)
}

// readable draws a pattern with what varies dim.
func (p *look) readable(text string) string {
	safe := termsafe.Line(text)
	for _, v := range []string{"<time>", "<id>", "#", "…"} {
		safe = strings.ReplaceAll(safe, v, p.ink.info.Paint(v))
	}
	return safe
}

// change says what is new or surging, in a word.
func (p *look) change(t *store.EventPattern) string {
	const width = 7
	switch t.State {
	case store.PatternNew:
		return p.ink.crit.Paint(cells.Pad(p.env.T("NEW"), width))
	case store.PatternSurging:
		return p.ink.warn.Paint(cells.Pad(p.env.Theme.Glyph.Up+" "+p.env.T("more"), width))
	}
	return cells.Pad("", width)
}

func (p *look) stretch(first, last time.Time) string {
	if first.IsZero() {
		return ""
	}
	return first.In(p.env.Zone).Format("01-02 15:04") + "–" + last.In(p.env.Zone).Format("01-02 15:04")
}

func levelWord(l logs.Level) string {
	if l == logs.LevelUnknown {
		return ""
	}
	return l.String()
}
