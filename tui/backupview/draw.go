package backupview

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/tui/widget"
)

// columns are the widths of the list's columns; 0 leaves one out.
type columns struct{ state, when, age, size, name, checked, note int }

const gap = 2

// layout shares out a width: what helps least goes first.
func (p *stock) layout(width int) columns {
	c := columns{state: p.stateWidth(), when: 16, age: p.ageWidth(), size: 8}
	switch {
	case width < 60:
		c.state, c.when, c.age = 1, 11, p.shortAge()
	case width < 120: // what there is to say is worth more than the name
	case width < 150:
		c.name = min(48, max(40, width-85))
	default:
		c.name, c.checked = 48, 16
	}
	used := 3
	for _, w := range []int{c.state, c.when, c.age, c.size, c.name, c.checked} {
		if w > 0 {
			used += w + gap
		}
	}
	c.note = max(0, width-used)
	return c
}

// ageWidth is the room of an age in two units, shortAge that of one.
func (p *stock) ageWidth() int { return cells.Width(p.env.Lang.Span("23 h 59 m")) }
func (p *stock) shortAge() int {
	return max(cells.Width(p.env.Lang.Span("364 d")), cells.Width(p.env.Lang.Span("23 h")))
}

func (p *stock) stateWidth() int {
	e := p.env
	w := cells.Width(p.env.T("missing"))
	for _, s := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		w = max(w, cells.Width(e.Lang.Msg(s.Label())))
	}
	return w + 2
}

// columnHeads names the columns.
func (p *stock) columnHeads(c columns, width int) string {
	e := p.env
	state := ""
	if c.state > 1 {
		state = e.T("state")
	}
	cols := []string{
		"   " + cells.Pad(state, c.state),
		cells.Pad(e.T("made"), c.when),
		cells.PadLeft(e.T("age"), c.age),
		cells.PadLeft(e.T("size"), c.size),
	}
	if c.name > 0 {
		cols = append(cols, cells.Pad(e.T("name"), c.name))
	}
	if c.checked > 0 {
		cols = append(cols, cells.Pad(e.T("last check"), c.checked))
	}
	if c.note > 0 {
		cols = append(cols, e.T("why it is kept, or its problem"))
	}
	return e.Theme.Dim.Render(cells.Cut(strings.TrimRight(strings.Join(cols, "  "), " "), width))
}

// legend says what the marks of the slots mean; what does not fit is left out.
func (p *stock) legend(width int) string {
	t, e := p.env.Theme, p.env
	line := " " + t.Dim.Render(e.T("newest on the right:"))
	add := func(mark, word string) {
		if part := "  " + mark + " " + t.Dim.Render(word); cells.Width(line+part) <= width {
			line += part
		}
	}
	for _, s := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		style, glyph := t.State(s.Health())
		add(style.Render(glyph), e.Lang.Msg(s.Label()))
	}
	add(t.Warn.Render(t.Glyph.Pending), e.T("missing"))
	add(t.Dim.Render(t.Glyph.Dot), e.T("none expected"))
	return cells.Cut(line, width)
}

// row draws one row.
func (p *table) row(r row, c columns, cursor bool, width int) string {
	var line string
	switch {
	case r.head:
		line = p.headRow(r, width)
	case r.set == nil:
		line = p.stock.missingRow(r, c)
	default:
		line = p.stock.setRow(r, c)
	}
	if cursor {
		return widget.SelectedRow(p.stock.env.Theme, line, width)
	}
	return " " + cells.Cut(line, width-1)
}

// headRow is a tier with its slots drawn as marks.
func (p *table) headRow(r row, width int) string {
	t := p.stock.env.Theme
	e := p.stock.env
	tier := r.tier
	arrow := t.Glyph.Open
	if p.folded[string(tier.Tier)] && p.filter == "" {
		arrow = t.Glyph.Fold
	}
	if r.away != nil {
		return t.Accent.Render(arrow) + " " + p.stock.awayHead(r.away)
	}
	line := t.Accent.Render(arrow) + " " + t.Title.Render(cells.Pad(e.Lang.Msg(tier.Tier.Label()), 10))
	if len(tier.Slots) == 0 {
		what := e.T("%d backups", len(tier.Sets))
		if tier.Keep > 0 {
			what = e.T("%s, %s", what, e.T("the newest %d are kept", tier.Keep))
		}
		return line + t.Dim.Render(what)
	}
	line += e.T("%d of %d", tier.Held, tier.Keep) + "  " + p.stock.slotMarks(tier)
	if missing := tier.Missing(); len(missing) > 0 && width >= 60 {
		line += "  " + t.Warn.Render(e.T("missing: %s", p.stock.slotNames(tier.Tier, missing)))
	}
	return line
}

// awayHead is a copy with what it holds, as it was last looked at.
func (p *stock) awayHead(a *backup.Elsewhere) string {
	t, e := p.env.Theme, p.env
	title := t.Title.Render(e.T("copy %s", termsafe.Line(a.Copy))) + "  "
	if a.At.IsZero() {
		return title + t.Dim.Render(e.T("not checked yet"))
	}
	facts := e.T("%d backups, %d verified", len(a.Sets), a.Good())
	if len(a.Only) > 0 {
		facts = e.T("%s, %s", facts, e.T("%d only at the copy", len(a.Only)))
	}
	return title + facts + "  " + t.Dim.Render(e.T("checked %s ago", minutes(e.Clock.Now().Sub(a.At))))
}

// slotMarks draws a tier's slots, the newest at the right.
func (p *stock) slotMarks(tier *backup.TierInfo) string {
	t := p.env.Theme
	var b strings.Builder
	for _, s := range slices.Backward(tier.Slots) {
		switch {
		case s.Set != nil:
			style, glyph := t.State(s.Set.State.Health())
			b.WriteString(style.Render(glyph))
		case s.Missing:
			b.WriteString(t.Warn.Render(t.Glyph.Pending))
		default:
			b.WriteString(t.Dim.Render(t.Glyph.Dot))
		}
	}
	return b.String()
}

func (p *stock) slotNames(tier backup.Tier, slots []backup.Slot) string {
	var names []string
	for i, s := range slots {
		if i == 2 && len(slots) > 3 {
			names = append(names, p.env.T("and %d more", len(slots)-2))
			break
		}
		names = append(names, p.env.Lang.Msg(s.Label(tier)))
	}
	return strings.Join(names, ", ")
}

func (p *stock) missingRow(r row, c columns) string {
	t, e := p.env.Theme, p.env
	mark := t.Glyph.Pending
	if c.state > 1 {
		mark += " " + e.T("missing")
	}
	return "  " + t.Warn.Render(cells.Pad(mark, c.state)+"  "+e.Lang.Msg(r.slot.Label(r.tier.Tier)))
}

func (p *stock) setRow(r row, c columns) string {
	t := p.env.Theme
	e := p.env
	s := r.set
	style, glyph := t.State(s.State.Health())
	mark := glyph
	if c.state > 1 {
		mark += " " + e.Lang.Msg(s.State.Label())
	}
	cols := []string{
		"  " + style.Render(cells.Pad(mark, c.state)),
		p.when(s.At, c),
		t.Dim.Render(cells.PadLeft(p.ago(s.At, c.age), c.age)),
		cells.PadLeft(s.SizeText(), c.size),
	}
	if c.name > 0 {
		cols = append(cols, cells.Pad(termsafe.Line(s.Name), c.name))
	}
	if c.checked > 0 {
		checked := t.Dim.Render(cells.Pad("–", c.checked))
		if !s.Checked.IsZero() {
			checked = t.Dim.Render(cells.Pad(s.Checked.In(e.Zone).Format("2006-01-02 15:04"), c.checked))
		}
		cols = append(cols, checked)
	}
	if c.note > 0 {
		cols = append(cols, p.noteOf(r, c))
	}
	return strings.Join(cols, "  ")
}

// when is a moment in the width of its column.
func (p *stock) when(at time.Time, c columns) string {
	layout := "2006-01-02 15:04"
	return at.In(p.env.Zone).Format(layout[len(layout)-c.when:])
}

// noteOf is what there is to say about a backup in the room that is left.
func (p *stock) noteOf(r row, c columns) string {
	t := p.env.Theme
	e := p.env
	s := r.set
	part := p.part(s)
	if x, ok := s.Worst(); ok && (part == "" || x.Fatal()) {
		style := t.Dim
		if x.Fatal() {
			style = t.Crit
		}
		return style.Render(cells.Cut(termsafe.Line(e.Lang.Msg(x.Text())), c.note))
	}
	if part != "" {
		return t.Warn.Render(cells.Cut(part, c.note))
	}
	if r.slot != nil && s.Tier != r.tier.Tier {
		return t.Dim.Render(cells.Cut("= "+termsafe.Line(s.Name), c.note))
	}
	return t.Dim.Render(cells.Cut(p.keepNote(s), c.note))
}

// part is which part of its database a backup holds; empty: the whole.
func (p *stock) part(s *backup.Set) string {
	if p.shelf == nil || p.shelf.Inventory == nil {
		return ""
	}
	return termsafe.Line(p.env.Lang.Msg(p.shelf.Inventory.Part(s)))
}

// keepNote is why it is kept, or that it will go.
func (p *stock) keepNote(s *backup.Set) string {
	step := p.steps[s]
	switch {
	case step.Verb == backup.Remove:
		return p.env.T("removed at next prune")
	case len(step.Reasons) > 0:
		return p.env.Lang.Msg(step.Reasons[0].Text)
	}
	return ""
}

// ago is an age in two units, or in one where there is little room.
func (p *stock) ago(at time.Time, room int) string {
	d := p.env.Clock.Now().Sub(at)
	unit := time.Minute
	switch {
	case d < time.Minute:
		return p.env.Lang.Span(minutes(d))
	case d >= 10*24*time.Hour || room < p.ageWidth() && d >= 24*time.Hour:
		unit = 24 * time.Hour
	case d >= 24*time.Hour || room < p.ageWidth() && d >= time.Hour:
		unit = time.Hour
	}
	return p.env.Lang.Span(human.Duration(d.Truncate(unit)))
}

// minutes is a span to the minute.
func minutes(d time.Duration) string {
	if d >= 0 && d < time.Minute {
		return "<1 m"
	}
	return human.Duration(d.Truncate(time.Minute))
}
