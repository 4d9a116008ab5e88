package statusview

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// listTop is how many lines stand above the first row.
const listTop = 1

// columns are the widths of the list's columns; 0 leaves one out.
type columns struct {
	state, name, latency, spark, strip, since, detail, lastBad int
}

// layout shares out a width: what helps least goes first.
func (p *look) layout(width int) columns {
	c := columns{state: p.stateWidth(), name: p.nameWidth(), latency: cells.Width(p.env.Lang.Span("<99 ms")) + 1}
	switch {
	case width < 60:
		c.state = 1
		c.latency = 0
		c.name = min(c.name, 12)
	case width < 100:
		c.strip = 8
	case width < 150:
		c.spark = 12
		c.strip = 16
		c.since = 9
	default:
		c.spark = 24
		c.strip = 32
		c.since = 14
		c.lastBad = 30
	}
	if p.env.Theme.Plain {
		c.spark = 0
		c.strip = 0
	}
	used := 2 // the cursor's mark, and a space at the end
	for _, w := range []int{c.state, c.name, c.latency, c.spark, c.strip, c.since, c.lastBad} {
		if w > 0 {
			used += w + gap
		}
	}
	c.detail = max(0, width-used)
	return c
}

// inks are the list's styles, worked out once a frame.
type inks struct {
	dim, info, selected widget.Ink
	state               [ops.StateCritical + 1]widget.Ink
}

func newInks(t *theme.Theme) inks {
	i := inks{dim: widget.NewInk(t.Dim), info: widget.NewInk(t.Info), selected: widget.NewInk(t.Selected)}
	for s := range i.state {
		style, _ := t.State(ops.State(s))
		i.state[s] = widget.NewInk(style)
	}
	return i
}

// gap is between columns.
const gap = 2

func (p *look) stateWidth() int {
	w := 0
	for _, s := range []ops.State{ops.StateOK, ops.StateUnknown, ops.StateWarning, ops.StateCritical} {
		w = max(w, cells.Width(p.env.Lang.Msg(s.Label())))
	}
	for _, s := range p.report.Standings {
		if !s.Seen() {
			w = max(w, cells.Width(p.env.T("checking")))
		}
	}
	return w + 2
}

func (p *look) nameWidth() int {
	w := 0
	for _, s := range p.report.Standings {
		w = max(w, cells.Width(termsafe.Line(s.Check.Name)))
	}
	return min(w, 20)
}

// viewList draws head, rows and, where there is room, the chosen check below.
func (p *table) viewList(size page.Size) string {
	rows := len(p.rows)
	if len(p.rows) == 0 {
		rows = 2
	}
	foot := 0
	if p.typing || p.filter != "" || p.bad {
		foot = 1
	}
	room := max(1, size.Height-listTop-foot)
	preview := room - rows - 1
	if preview < 2+2*foot || p.current() == nil { // a headline of two lines leaves the check a few
		preview = -1
	} else {
		room = rows
	}
	p.scroll.Resize(len(p.rows), room)
	p.look.ink = newInks(p.look.env.Theme)
	c := p.look.layout(size.Width)
	lines := append(make([]string, 0, size.Height), p.look.head(c))
	from, to := p.scroll.Window()
	for i := from; i < to; i++ {
		lines = append(lines, p.look.row(p.rows[i], c, i == p.scroll.Cursor, size.Width))
	}
	if len(p.rows) == 0 {
		lines = append(lines, "", "  "+p.look.env.Theme.Dim.Render(p.empty()))
	}
	for len(lines) < room+listTop && preview < 0 {
		lines = append(lines, "")
	}
	if foot == 1 && size.Height > 1 {
		lines = append(lines[:min(len(lines), size.Height-1)], p.filterLine(size.Width))
	}
	if preview > 0 {
		lines = append(lines, p.dossier.preview(p.current(), page.Size{Width: size.Width, Height: preview + 1})...)
	}
	return widget.Fill(lines, size)
}

func (p *table) empty() string {
	switch {
	case len(p.look.report.Standings) == 0:
		return p.look.env.T("No checks are configured.")
	case p.bad && p.filter == "":
		return p.look.env.T("No problems. Press b to list everything.")
	}
	return p.look.env.T("No check matches. Press esc to list all.")
}

func (p *table) filterLine(width int) string {
	t, e := p.look.env.Theme, p.look.env
	if p.typing {
		return p.input.View(t, width)
	}
	said := ""
	if p.filter != "" {
		said = "/" + termsafe.Line(p.filter) + "  "
	}
	if p.bad {
		said += e.T("only problems") + "  "
	}
	return cells.Cut(
		t.Accent.Render(" "+said)+t.Dim.Render(e.T("%d of %d checks", p.countChecks(), len(p.look.report.Standings))),
		width,
	)
}

func (p *table) countChecks() (n int) {
	for _, r := range p.rows {
		if r.check != nil {
			n++
		}
	}
	return n
}

func (p *look) head(c columns) string {
	e := p.env
	state := e.T("STATE")
	if c.state < 3 {
		state = ""
	}
	var b strings.Builder
	b.WriteByte(' ')
	column(&b, state, c.state)
	column(&b, e.T("CHECK"), c.name)
	if c.latency > 0 {
		b.WriteString(cells.PadLeft(e.T("LATENCY"), c.latency) + "  ")
	}
	column(&b, e.T("TREND"), c.spark)
	column(&b, e.T("HISTORY"), c.strip)
	column(&b, e.T("SINCE"), c.since)
	b.WriteString(cells.Pad(e.T("DETAIL"), c.detail))
	if c.lastBad > 0 {
		b.WriteString("  " + e.T("LAST BAD"))
	}
	return e.Theme.Dim.Render(b.String())
}

// column writes a cell of a row, and the gap behind it.
func column(b *strings.Builder, s string, w int) {
	if w > 0 {
		b.WriteString(cells.Pad(s, w))
		b.WriteString("  ")
	}
}

// row draws a line of the list. The chosen one is reversed as a whole, so that
// it carries no other style.
func (p *look) row(r row, c columns, chosen bool, width int) string {
	if r.check == nil {
		return p.env.Theme.Title.Render(" " + cells.Cut(termsafe.Line(r.service), width-1))
	}
	if !chosen {
		return " " + p.cellsOf(r.check, c, widget.Ink.Paint, true)
	}
	plain := func(_ widget.Ink, text string) string { return text }
	return widget.SelectedRow(p.env.Theme, p.cellsOf(r.check, c, plain, false), width)
}

// cellsOf draws the columns of a check.
func (p *look) cellsOf(s *health.Standing, c columns, paint func(widget.Ink, string) string, colour bool) string {
	ink, state, word := p.stateCell(s)
	if c.state >= 3 {
		state += " " + word
	}
	var b strings.Builder
	b.WriteString(paint(ink, cells.Pad(state, c.state)) + "  ")
	column(&b, termsafe.Line(s.Check.Name), c.name)
	if c.latency > 0 {
		b.WriteString(paint(p.ink.dim, cells.PadLeft(p.latency(s), c.latency)) + "  ")
	}
	if c.spark > 0 {
		b.WriteString(paint(p.ink.info, p.spark(s, c.spark)) + "  ")
	}
	if c.strip > 0 {
		b.WriteString(p.strip(s, c.strip, colour) + "  ")
	}
	if c.since > 0 {
		b.WriteString(paint(p.ink.dim, cells.Pad(p.since(s), c.since)) + "  ")
	}
	detail := cells.Pad(p.detailLine(s, c), c.detail)
	if s.Seen() && s.State != ops.StateOK {
		detail = paint(ink, detail)
	}
	b.WriteString(detail)
	if c.lastBad > 0 {
		b.WriteString("  " + paint(p.ink.dim, cells.Pad(p.lastBad(s), c.lastBad)))
	}
	return b.String()
}

// stateCell is a state's ink, glyph and word.
func (p *look) stateCell(s *health.Standing) (ink widget.Ink, glyph, word string) {
	t, e := p.env.Theme, p.env
	if !s.Seen() {
		return p.ink.dim, t.Glyph.Pending, e.T("checking")
	}
	_, glyph = t.State(s.State)
	return p.ink.state[s.State], glyph, e.Lang.Msg(s.State.Label())
}

// detailLine is what was found; where there is no column for it, since when.
func (p *look) detailLine(s *health.Standing, c columns) string {
	text := p.say(s.Detail(p.source.Rule()))
	if len(p.silencesOf(ruleOf(s))) > 0 {
		text = p.env.Lang.Msg(alert.Silenced.Label()) + " · " + text
	}
	if c.since == 0 && s.Seen() && s.State != ops.StateOK {
		if at, before := s.Moment(); !before && s.Shown().Event.IsZero() { // a log line's text tells its time
			return p.short(at) + " " + text
		}
	}
	return text
}

// latency is the middle of the newest looks. It stands still until that has
// moved by more than a third.
func (p *look) latency(s *health.Standing) string {
	if !s.Seen() {
		return ""
	}
	return p.env.Lang.Span(coarse(p.latencies[s.Check.ID()]))
}

// steady keeps the shown latencies while they are near enough.
func (p *look) steady() {
	for i := range p.report.Standings {
		s := &p.report.Standings[i]
		shown := p.latencies[s.Check.ID()]
		now := s.MedianLatency(9)
		if moved := (now - shown).Abs(); moved > max(shown/3, 5*time.Millisecond) || len(s.History) < 3 {
			p.latencies[s.Check.ID()] = now
		}
	}
}

// coarse writes a latency to the digits that matter.
func coarse(d time.Duration) string {
	switch {
	case d < 5*time.Millisecond:
		return "<5 ms"
	case d < 100*time.Millisecond:
		return human.Duration(d.Round(5 * time.Millisecond))
	case d < time.Second:
		return human.Duration(d.Round(50 * time.Millisecond))
	}
	return human.Duration(d.Round(100 * time.Millisecond))
}

// since is when the state began; "≤" before a time says that it was so already
// when the console first looked.
func (p *look) since(s *health.Standing) string {
	if !s.Seen() {
		return ""
	}
	moment, before := s.Moment()
	at := p.short(moment)
	if before {
		if s.State == ops.StateOK {
			return p.env.Theme.Glyph.HRule
		}
		return p.before() + at
	}
	return at
}

func (p *look) before() string {
	if p.env.Theme.ASCII {
		return "<"
	}
	return "≤"
}

// short is a time of today as a clock, another day's as a date.
func (p *look) short(at time.Time) string {
	at = at.In(p.env.Zone)
	now := p.env.Clock.Now().In(p.env.Zone)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format(time.TimeOnly)
	}
	return at.Format("01-02 15:04")
}

func (p *look) lastBad(s *health.Standing) string {
	if s.LastError.At.IsZero() || s.State != ops.StateOK {
		return ""
	}
	return fmt.Sprintf("%s %s", p.short(s.LastError.At), p.say(s.LastError.Detail))
}
