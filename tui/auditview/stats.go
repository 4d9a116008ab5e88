package auditview

import (
	"math"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// spans are the times that counts can be over; 0 is everything.
var spans = []struct {
	days  int
	label lang.Msg
}{{1, lang.M("24 hours")}, {7, lang.M("7 days")}, {30, lang.M("30 days")}, {365, lang.M("a year")},
	{0, lang.M("everything")}}

// stats is the counts on the screen.
type stats struct {
	reading
	span   int // into spans
	data   audit.Stats
	scroll widget.Scroll
}

type statsMsg struct {
	data audit.Stats
	err  error
}

// count reads the counts of the span and of the query's terms.
func (p *tallies) count(leave bool) tea.Cmd {
	s := &p.stats
	ctx, gen, wait, report, end := s.begin(p.base.env.Ctx, statsMode)
	f := p.base.filter
	if days := spans[s.span].days; days > 0 {
		f.Since = p.base.env.Clock.Now().AddDate(0, 0, -days)
		f.Until = time.Time{}
	} else {
		f.Since, f.Until = time.Time{}, time.Time{}
	}
	src, zone := p.base.src, p.base.env.Zone
	p.base.enter(statsMode)
	return tea.Batch(wait, func() tea.Msg {
		defer end()
		data, err := src.Stats(ctx, audit.StatsRequest{Filter: f, Top: 10, Zone: zone}, leave, report)
		return page.Msg{To: id, Gen: gen, Body: statsMsg{data, err}}
	})
}

func (p *rows) counted(m statsMsg) tea.Cmd {
	if p.tallies.stats.answered(m.err) {
		p.tallies.stats.data, p.tallies.stats.scroll = m.data, widget.Scroll{}
	}
	return p.proveFor(m.err)
}

// widen changes the span by one.
func (p *tallies) widen(n int) tea.Cmd {
	next := max(0, min(p.stats.span+n, len(spans)-1))
	if next == p.stats.span {
		return nil
	}
	p.stats.span = next
	return p.count(false)
}

func (p *tallies) drawStats(size page.Size) []string {
	s := &p.stats
	t := p.base.env.Theme
	e := p.base.env
	head := " "
	for i, span := range spans {
		name := " " + e.Lang.Msg(span.label) + " "
		if i == s.span {
			head += t.Badge.Render(name)
		} else {
			head += t.Dim.Render(name)
		}
	}
	lines := []string{cells.Cut(head, size.Width)}
	if len(p.base.filter.Terms) > 0 {
		lines = append(lines, cells.Cut(" "+t.Accent.Render("/")+" "+shown(p.base.query), size.Width))
	}
	if instead, ok := p.base.drawReading(&s.reading, lang.M("counting …"), size); ok {
		return append(lines, instead...)
	}
	body := p.statsBody(size.Width)
	height := max(1, size.Height-len(lines))
	s.scroll.Resize(max(1, len(body)-height+1), 1)
	from := s.scroll.Cursor
	return append(lines, body[min(from, len(body)):min(from+height, len(body))]...)
}

// statsBody lays the counts out: side by side where there is room.
func (p *tallies) statsBody(w int) []string {
	s := p.stats.data
	e := p.base.env
	t := p.base.env.Theme
	lines := []string{
		"",
		" " + t.Bold.Render(e.T("%s rows", human.Count(s.Rows))) + t.Dim.Render("  "+p.statsSpan()),
		"",
	}
	if s.Rows == 0 {
		return lines
	}
	if w < 100 || t.Plain {
		for _, part := range [][]string{p.bars(e.T("by action"), s.ByAction, w-2, true), p.heat(w),
			p.bars(e.T("by user"), s.ByUser, w-2, false), p.bars(e.T("by resource"), s.ByResource, w-2, false)} {
			lines = append(append(lines, part...), "")
		}
		return lines
	}
	half := (w - 4) / 2
	lines = append(lines, columnsOf(p.bars(e.T("by action"), s.ByAction, half, true), p.heat(half), half)...)
	lines = append(lines, "")
	return append(
		lines,
		columnsOf(p.bars(e.T("by user"), s.ByUser, half, false), p.bars(e.T("by resource"), s.ByResource, half, false),
			half)...)
}

func (p *tallies) statsSpan() string {
	s := p.stats.data
	if s.Since.IsZero() {
		return ""
	}
	return p.base.env.T("since %s", p.base.env.Time(s.Since))
}

// columnsOf puts two blocks side by side.
func columnsOf(left, right []string, w int) []string {
	var out []string
	for i := range max(len(left), len(right)) {
		a, b := "", ""
		if i < len(left) {
			a = left[i]
		}
		if i < len(right) {
			b = right[i]
		}
		out = append(out, cells.Pad(a, w)+"  "+b)
	}
	return out
}

// bars draws counts as bars, the greatest filling its room.
func (p *tallies) bars(title string, counts []audit.Count, w int, actions bool) []string {
	t := p.base.env.Theme
	lines := []string{" " + t.Title.Render(title)}
	name := 0
	for _, c := range counts {
		name = max(name, cells.Width(shown(countName(c)))+2)
	}
	name = min(name, w/3)
	room := w - name - 20
	for _, c := range counts {
		label := cells.Pad(shown(countName(c)), name)
		style := t.Info
		if actions {
			var glyph string
			style, glyph = p.base.actionLook(c.Value)
			label = style.Render(cells.Pad(glyph+" "+shown(countName(c)), name))
		}
		full := max(1, int(float64(room)*float64(c.Rows)/float64(counts[0].Rows)))
		bar := ""
		if room > 3 {
			bar = style.Render(strings.Repeat(t.Glyph.Full, full)) + strings.Repeat(" ", max(0, room-full))
		}
		share := float64(c.Rows) / float64(max(1, p.stats.data.Rows))
		lines = append(
			lines,
			cells.Cut(
				" "+label+" "+bar+cells.PadLeft(human.Count(c.Rows), 10)+t.Dim.Render(
					cells.PadLeft(human.Percent(share), 7),
				),
				w,
			),
		)
	}
	return lines
}

// heat is the map of weekdays and hours: darker marks and stronger colours for
// more rows.
func (p *tallies) heat(w int) []string {
	t, e := p.base.env.Theme, p.base.env
	each := 1
	if w >= 60 {
		each = 2
	}
	axis := strings.Repeat(" ", 7)
	for hour := 0; hour < 24; hour += 6 {
		axis += cells.Pad(time.Date(0, 1, 1, hour, 0, 0, 0, time.UTC).Format("15"), 6*each)
	}
	lines := []string{" " + t.Title.Render(e.T("by weekday and hour")), t.Dim.Render(axis)}
	most := max(1, p.stats.data.Busiest())
	for day, hours := range p.stats.data.Week {
		var b strings.Builder
		for _, n := range hours {
			b.WriteString(p.heatCell(n, most, each))
		}
		lines = append(lines, "  "+t.Dim.Render(cells.Pad(e.Lang.Msg(audit.Weekday(day)), 5))+b.String())
	}
	return append(lines, p.heatLegend(most))
}

// heatLegend tells how many rows each mark stands for.
func (p *tallies) heatLegend(most int64) string {
	t := p.base.env.Theme
	var parts []string
	low := int64(1)
	for step := range heatSteps {
		high := low
		for high < most && heatStep(high+1, most) == step {
			high++
		}
		if heatStep(low, most) != step {
			continue
		}
		span := human.Count(low)
		if high > low {
			span += "–" + human.Count(high)
		}
		parts = append(parts, p.heatCell(low, most, 1)+" "+t.Dim.Render(span))
		low = high + 1
	}
	return "       " + strings.Join(parts, "  ")
}

// heatSteps is how many marks there are.
const heatSteps = 4

// heatStep is the mark for n rows. It rises with the root of n, so that one
// busy hour does not make all others look alike.
func heatStep(n, most int64) int {
	return min(heatSteps-1, int(heatSteps*math.Sqrt(float64(n)/float64(most+1))))
}

func (p *tallies) heatCell(n, most int64, each int) string {
	t := p.base.env.Theme
	none, marks := t.Glyph.Dot, []string{"░", "▒", "▓", "█"}
	if t.ASCII {
		none, marks = " ", []string{".", "-", "+", "#"} // a dot for none would be the lowest step
	}
	if n == 0 {
		return t.Rule.Render(strings.Repeat(none, each))
	}
	step := heatStep(n, most)
	style := []lipgloss.Style{t.Dim, t.Info, t.Warn, t.Crit}[step]
	return style.Render(strings.Repeat(marks[step], each))
}
