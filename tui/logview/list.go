package logview

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// inks are the list's styles, worked out once a frame.
type inks struct {
	dim, bold, match, accent, crit, warn, selected, info widget.Ink
	level                                                [8]widget.Ink
}

func newInks(t *theme.Theme) inks {
	i := inks{
		dim:      widget.NewInk(t.Dim),
		bold:     widget.NewInk(t.Bold),
		match:    widget.NewInk(t.Match),
		accent:   widget.NewInk(t.Accent),
		crit:     widget.NewInk(t.Crit),
		warn:     widget.NewInk(t.Warn),
		selected: widget.NewInk(t.Selected),
		info:     widget.NewInk(t.Info),
	}
	for _, l := range logs.Levels() {
		switch {
		case l >= logs.LevelError:
			i.level[l] = i.crit
		case l == logs.LevelWarn:
			i.level[l] = i.warn
		case l == logs.LevelInfo:
			i.level[l] = widget.NewInk(t.OK)
		default:
			i.level[l] = i.dim
		}
	}
	return i
}

// columns are the widths of the list's columns; 0 leaves one out.
type columns struct {
	date, delta, source, level, context, message int
	layout                                       string // of the time
}

func (p *list) columns(width int) columns {
	c := columns{level: 5, layout: "15:04:05"}
	switch {
	case width < 60:
		c.context = 0
	case width < 100:
		c.context = 16
	default:
		c.context, c.layout = 20, "15:04:05.000"
	}
	if width >= 60 && p.severalDays() {
		c.layout = "01-02 " + c.layout
	}
	c.date = len(c.layout)
	if p.delta != deltaOff {
		if c.delta = deltaWidth; width < 80 {
			c.date = -1 // Δ is in its place
		}
	}
	if p.tally.stats.Sources > 1 && width >= 60 {
		c.source = p.sourceWidth()
	}
	used := 1 + c.date + 1 + c.level + 1
	if c.delta > 0 {
		used += c.delta + 1
	}
	if c.source > 0 {
		used += c.source + 1
	}
	if c.context > 0 {
		used += c.context + 1
	}
	c.message = max(1, width-used)
	return c
}

// severalDays tells whether a time of day would not be clear.
func (p *list) severalDays() bool {
	if len(p.rows) == 0 {
		return false
	}
	day := p.look.env.Clock.Now().In(p.look.env.Zone).YearDay()
	for _, r := range p.rows {
		if t := r.Event.Time; !t.IsZero() && t.In(p.look.env.Zone).YearDay() != day {
			return true
		}
	}
	return false
}

// maxSource is the widest column for the source's name.
const maxSource = 8

func (p *list) sourceWidth() int {
	w := 3
	for _, r := range p.rows {
		w = max(w, cells.Width(shortSource(r.Event.Source)))
	}
	return min(w, maxSource)
}

// shortSource is what tells one log from its siblings: "out" or "error" of PM2's
// files.
func shortSource(path string) string {
	name := filepath.Base(path)
	for _, ext := range []string{".gz", ".zst", ".log"} {
		name = strings.TrimSuffix(name, ext)
	}
	name, _, _ = strings.Cut(name, "__")
	if i := strings.LastIndexByte(name, '-'); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return termsafe.Line(name)
}

// viewList draws head, timeline, rows and foot.
func (p *Page) viewList(size page.Size) string {
	lines := append([]string{p.heading.head(size.Width)}, p.ask.errorLine(size.Width)...)
	lines = append(lines, p.heading.viewTimeline(size)...)
	lines = append(lines, p.listLines(size.Width)...)
	if p.look.panel > 0 {
		lines = append(lines, padded(p.viewPanel(size.Width, p.look.panel), p.look.panel)...)
	} else {
		lines = append(lines, p.sheet.pane(size.Width)...)
	}
	lines = append(lines, p.heading.foot(size.Width))
	return widget.Fill(lines, size)
}

// listLines are the rows that are seen, with the gaps between them.
func (p *Page) listLines(width int) []string {
	h := p.list.listHeight()
	c := p.list.columns(width)
	p.list.settle()
	if len(p.list.rows) == 0 {
		dim := func(text string) string { return p.look.ink.dim.Paint(cells.Cut("  "+text, width)) }
		lines := []string{}
		for _, text := range p.feed.nothing() {
			for _, line := range cells.Wrap(text, width-4) {
				lines = append(lines, dim(line))
			}
		}
		return padded(lines, h)
	}
	var out []string
	gaps := p.list.gaps()
	for _, i := range p.list.layout(h, gaps) {
		if i < 0 {
			out = append(out, p.look.rule(p.look.env.T("%s without events", human.Duration(gaps[gapLine-i])), width))
			continue
		}
		out = append(out, p.sheet.row(p.list.rows[i], c, i == p.list.cur, width))
	}
	return padded(out, h)
}

// problem is an error for people, and what helps.
func (k *look) problem(err error) []string {
	var e *ops.Error
	if !errors.As(err, &e) {
		return []string{termsafe.Line(err.Error())}
	}
	out := []string{termsafe.Line(e.In(k.env.Lang))}
	if !e.Hint.Empty() {
		out = append(out, "", "→ "+termsafe.Line(k.env.Lang.Msg(e.Hint)))
	}
	return out
}

// padded are exactly n lines.
func padded(lines []string, n int) []string {
	if len(lines) > n {
		return lines[:n]
	}
	return append(lines, make([]string, n-len(lines))...)
}

// nothing says why the list is empty, and what helps.
func (p *feed) nothing() []string {
	if s := p.tally.stats; s.Sources == 0 && len(s.Errors) > 0 && !p.loading {
		return p.look.problem(s.Errors[len(s.Errors)-1])
	}
	return []string{p.empty(), p.advice()}
}

// empty says why the list is empty.
func (p *feed) empty() string {
	e := p.look.env
	switch {
	case p.loading || p.tally.stats.Pending:
		return e.T("searching …")
	case p.ask.asked.Filtered():
		return e.T("no events to show: filters (F) or switched-off logs (D) hide them")
	case !p.ask.asked.Empty():
		return e.T("nothing matches; esc shows all events again")
	case p.tally.stats.Sources == 0:
		return e.T("no log was found")
	case p.tally.stats.Bytes > p.tally.stats.Done:
		return e.T("reading …")
	}
	return e.T("the log is empty; new lines appear here")
}

// advice says what may have been meant where nothing matches; mostly nothing.
func (p *feed) advice() string {
	if p.loading || p.tally.stats.Pending || p.ask.query == nil || p.ask.asked.Empty() {
		return ""
	}
	return termsafe.Line(p.look.env.Lang.Msg(p.ask.query.Advice()))
}

func (p *sheet) row(r store.Row, c columns, cursor bool, width int) string {
	e := r.Event
	mark := " "
	switch {
	case cursor:
		mark = ""
	case p.list.inSelection(r.ID):
		mark = p.look.ink.accent.Paint(p.look.env.Theme.Glyph.VRule)
	case p.book.markOf(r) >= 0:
		mark = p.look.ink.info.Paint(p.look.env.Theme.Glyph.Bullet)
	case r.Gap:
		mark = p.look.ink.dim.Paint(p.look.env.Theme.Glyph.HRule)
	}
	light := p.kept.markOf(&e)
	if mark == " " && light >= 0 {
		mark = p.kept.ink(light).Paint(p.kept.sign(light))
	}
	var b strings.Builder
	b.WriteString(mark)
	if c.delta > 0 {
		b.WriteString(p.delta(r, c.delta) + " ")
	}
	when := strings.Repeat(" ", max(0, c.date))
	if !e.Time.IsZero() && !e.Cont && c.date > 0 {
		when = cells.Pad(strings.TrimSuffix(e.Time.In(p.look.env.Zone).Format(c.layout), ".000"),
			c.date) // many logs know seconds only
	}
	if c.date >= 0 {
		b.WriteString(p.look.ink.dim.Paint(when) + " ")
	}
	if c.source > 0 {
		b.WriteString(p.look.ink.dim.Paint(cells.Pad(shortSource(e.Source), c.source)))
		b.WriteByte(' ')
	}
	b.WriteString(p.look.level(e))
	b.WriteByte(' ')
	if c.context > 0 {
		b.WriteString(p.look.ink.info.Paint(cells.Pad(termsafe.Line(e.Context), c.context)))
		b.WriteByte(' ')
	}
	b.WriteString(p.message(r, c.message, light))
	if cursor {
		return widget.SelectedRow(p.look.env.Theme, b.String(), width)
	}
	return b.String()
}

// level is the word of five cells.
func (p *look) level(e logs.Event) string {
	word := e.Level.String()
	switch e.Level {
	case logs.LevelUnknown:
		word = ""
	case logs.LevelVerbose:
		word = "VERB"
	}
	if e.Cont {
		return p.ink.dim.Paint(cells.Pad(p.env.Theme.Glyph.VRule, 5))
	}
	return p.ink.level[e.Level].Paint(cells.Pad(word, 5))
}

// message is the text with its marks: critical, slow, further lines.
func (p *sheet) message(r store.Row, width, light int) string {
	t := p.look.env.Theme
	lead, tail := "", ""
	if r.Critical {
		lead = p.look.ink.crit.Paint(t.Glyph.Crit) + " "
	} else if r.Slow {
		lead = p.look.ink.warn.Paint(t.Glyph.Warn) + " "
	}
	if r.Lines > 0 {
		tail = p.look.ink.dim.Paint(p.look.env.T(" +%d", r.Lines))
	}
	if r.Lost {
		return p.look.ink.dim.Paint(cells.Cut(p.look.env.T("(no longer available: the file was truncated)"), width))
	}
	if i := p.book.markOf(r); i >= 0 && p.book.marks[i].Note != "" {
		tail += p.look.ink.info.Paint(cells.Cut(" "+t.Glyph.Bullet+" "+termsafe.Line(p.book.marks[i].Note), width/2))
	}
	room := max(1, width-cells.Width(lead)-cells.Width(tail))
	if !r.Hit && !p.ask.asked.Empty() && light < 0 {
		return lead + p.look.ink.dim.Paint(cells.Cut(oneLine(r.Event.Message), room)) + tail
	}
	return lead + p.ask.highlight(r.Event.Message, room, p.kept.lit(light)) + tail
}

// maxShown is how many bytes of a message can be seen on the widest screen.
const maxShown = 4 << 10

// oneLine is the first line of a text, safe to show.
func oneLine(text string) string {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "")
	}
	return termsafe.Line(string(line.Visible([]byte(text), nil)))
}

// delta is the column of how long ago what times are measured from was.
func (p *sheet) delta(r store.Row, width int) string {
	i := slices.IndexFunc(p.list.rows, func(o store.Row) bool { return o.ID == r.ID })
	if i < 0 {
		return strings.Repeat(" ", width)
	}
	d, ok := p.list.since(i, p.book.marks)
	if !ok {
		return strings.Repeat(" ", width)
	}
	return p.look.ink.info.Paint(cells.PadLeft(deltaText(d), width))
}

func (p *list) inSelection(id store.RowID) bool {
	if p.from == (store.RowID{}) {
		return false
	}
	a, b := p.selection()
	for i := a; i <= b; i++ {
		if p.rows[i].ID == id {
			return true
		}
	}
	return false
}

// selection is the range of loaded rows that is selected.
func (p *list) selection() (from, to int) {
	from = p.cur
	if p.from != (store.RowID{}) {
		from = slices.IndexFunc(p.rows, func(r store.Row) bool { return r.ID == p.from })
	}
	if from < 0 { // it began where nothing is loaded
		if from = 0; p.fromAt.After(p.rows[p.cur].Event.Time) {
			from = len(p.rows) - 1
		}
	}
	return min(from, p.cur), max(from, p.cur)
}

func day(t time.Time) string { return t.Format("2006-01-02") }
