package statusview

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// preview draws the chosen check below the list: what it saw, its history, its
// first commands; as much as there is room for.
func (p *dossier) preview(s *health.Standing, size page.Size) []string {
	t := p.look.env.Theme
	lines := []string{widget.Rule(t, termsafe.Line(s.Check.Name), size.Width)}
	beside := size.Width >= 100 && !t.Plain
	inner := size.Width/2 - 2
	if !beside {
		inner = size.Width - 3
	}
	left := append(p.nowLines(s, inner), p.fields(s, inner)...)
	var right []string
	if beside {
		w := size.Width - size.Width/2 - 4
		right = append(right, p.graph(s, w, 3)...)
		right = append(right, p.graphCaption(s, w), "")
		right = append(right, p.commandLines(s, w, -1)...)
	}
	for i := 0; i < size.Height-1 && (i < len(left) || i < len(right)); i++ {
		line := "  "
		if i < len(left) {
			line += left[i]
		}
		if len(right) > 0 {
			line = cells.Pad(line, size.Width/2+1)
			if i < len(right) {
				line += right[i]
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// viewDetail draws the opened check, scrolled.
func (p *dossier) viewDetail(s *health.Standing, size page.Size) string {
	p.look.ink = newInks(p.look.env.Theme)
	lines := p.detailLines(s, size.Width)
	room := max(1, size.Height-2)
	p.detail.Top = max(0, min(p.detail.Top, len(lines)-room))
	to := min(len(lines), p.detail.Top+room)
	head := []string{p.title(s, size.Width), widget.Rule(p.look.env.Theme, "", size.Width)}
	if to-p.detail.Top < len(lines) {
		part := p.look.env.Theme.Dim.Render(p.look.env.T("%d–%d of %d", p.detail.Top+1, to, len(lines)) + " ")
		if w := cells.Width(part); w < size.Width/2 {
			head[1] = cells.Cut(head[1], size.Width-w-1) + " " + part
			head[1] = strings.Replace(head[1], "…", p.look.env.Theme.Glyph.HRule, 1)
		}
	}
	return widget.Fill(append(head, lines[p.detail.Top:to]...), size)
}

// title is the state, the name, and since when.
func (p *dossier) title(s *health.Standing, width int) string {
	t, e := p.look.env.Theme, p.look.env
	style, glyph := t.State(s.State)
	left := " " + style.Render(glyph+" "+e.Lang.Msg(s.State.Label())) + "  " + t.Title.Render(
		termsafe.Line(s.Check.Name),
	)
	if severalServices(p.look.report) {
		left += t.Dim.Render("  " + termsafe.Line(s.Check.Service))
	}
	if !s.Seen() {
		return cells.Cut(left, width)
	}
	at, before := s.Moment()
	right := e.T("since %s", e.Time(at))
	switch {
	case before:
		right = e.T("since %s or earlier", e.Time(at))
	case !s.Shown().Event.IsZero():
		right = e.T("at %s", e.Time(at))
	}
	space := width - cells.Width(left) - cells.Width(right) - 1
	if space < 2 {
		return cells.Cut(left, width)
	}
	return left + strings.Repeat(" ", space) + t.Dim.Render(right)
}

func (p *dossier) detailLines(s *health.Standing, width int) []string {
	e := p.look.env
	out := widget.Sections{Theme: e.Theme}
	inner := out.Inner(width)
	out.Add(e.T("Now"), p.nowLines(s, inner))
	out.Add(e.T("Values"), p.fields(s, inner))
	out.Add(e.T("Limits"), p.limitLines(s, inner))
	if len(s.History) > 1 {
		w := min(inner, health.HistoryLength)
		out.Add(e.T("History"), append(p.graph(s, w, 4), p.graphCaption(s, w)))
	}
	out.Add(e.T("More details"), p.commandLines(s, inner, p.command))
	out.Add(e.T("Response"), p.rawLines(s, inner))
	return out.Lines
}

func (p *dossier) nowLines(s *health.Standing, width int) []string {
	t, e := p.look.env.Theme, p.look.env
	style, _ := t.State(s.State)
	var lines []string
	for _, l := range cells.Wrap(p.look.say(s.Detail(p.look.source.Rule())), width) {
		lines = append(lines, style.Render(l))
	}
	if quiet := p.look.silence(ruleOf(s)); !quiet.Empty() {
		lines = append(lines, cells.Wrap(p.look.say(lang.M("%s; u ends that", quiet)), width)...)
	}
	if next := p.look.report.Next(s); !next.Empty() {
		lines = append(lines, cells.Wrap(p.look.say(next), width)...)
	}
	if last := s.LastError; !last.At.IsZero() && last.At != s.Last.At {
		for _, l := range cells.Wrap(p.look.say(lang.M("last bad at %s: %s", e.Time(last.At), last.Detail)), width) {
			lines = append(lines, t.Dim.Render(l))
		}
	}
	rule := p.look.source.Rule()
	if s.Streak > 0 || s.State == ops.StateCritical {
		lines = append(
			lines,
			t.Dim.Render(
				cells.Cut(e.T("critical after %d failures in a row, ok again after %d passes", rule.Fails, rule.Passes),
					width),
			),
		)
	}
	return lines
}

// fields are what the newest look saw, names in one column.
func (p *dossier) fields(s *health.Standing, width int) []string {
	t := p.look.env.Theme
	names := 0
	for _, f := range s.Last.Fields {
		names = max(names, cells.Width(p.look.label(f)))
	}
	names = min(names, max(8, width/2))
	var lines []string
	for _, f := range s.Last.Fields {
		style, glyph := t.State(f.State)
		value := p.look.say(f.Text)
		switch {
		case f.State == ops.StateUnknown:
			value = p.look.say(lang.M("unknown: %s", f.Reason))
		case f.Text.Empty():
			value = p.look.plainValue(f.Value)
		}
		value = cells.Cut(termsafe.Line(value), max(1, width-names-4))
		mark := " "
		if f.State != ops.StateOK {
			mark, value = style.Render(glyph), style.Render(value)
		}
		lines = append(lines, mark+" "+t.Dim.Render(cells.Pad(p.look.label(f), names))+"  "+value)
	}
	return lines
}

// plainValue writes a value that its check put into no words.
func (p *look) plainValue(v any) string {
	if truth, ok := v.(bool); ok {
		if truth {
			return p.env.T("yes")
		}
		return p.env.T("no")
	}
	return fmt.Sprint(v)
}

func (p *dossier) limitLines(s *health.Standing, width int) []string {
	t, e := p.look.env.Theme, p.look.env
	table := cells.Table{Max: width}
	for _, l := range s.Check.Limits {
		cell := func(state ops.State, m lang.Msg) string {
			if m.Empty() {
				return ""
			}
			style, glyph := t.State(state)
			return style.Render(glyph) + " " + e.Lang.Msg(m)
		}
		table.Rows = append(
			table.Rows,
			[]string{
				t.Dim.Render(e.Lang.Msg(l.What)),
				cell(ops.StateWarning, l.Warning),
				cell(ops.StateCritical, l.Critical),
			},
		)
	}
	return table.Lines()
}

func (p *dossier) graphCaption(s *health.Standing, width int) string {
	samples := newest(s, width)
	if len(samples) == 0 {
		return ""
	}
	most, bad := samples[0].Latency, 0
	for _, x := range samples {
		most = max(most, x.Latency)
		if x.State != ops.StateOK {
			bad++
		}
	}
	every := s.Check.Interval
	if every <= 0 {
		every = health.DefaultInterval
	}
	text := p.look.env.T("every %s, slowest %s, not ok: %d", whole(every), coarse(most), bad)
	return p.look.env.Theme.Dim.Render(cells.Cut(text, width))
}

// commandLines are the commands, the marked one with the cursor's glyph.
func (p *dossier) commandLines(s *health.Standing, width, marked int) []string {
	t := p.look.env.Theme
	var lines []string
	for i, c := range s.Commands() {
		mark := t.Dim.Render("$ ")
		if i == marked {
			mark = t.Accent.Render(t.Glyph.Cursor + " ")
		}
		lines = append(lines, mark+cells.Cut(termsafe.Line(p.look.env.Command(c)), width-2))
	}
	return lines
}

// maxRaw bounds how many lines of an answer are shown.
const maxRaw = 500

func (p *dossier) rawLines(s *health.Standing, width int) []string {
	var lines []string
	for _, l := range strings.Split(strings.TrimRight(termsafe.Text(s.Last.Raw), "\n"), "\n") {
		if len(lines) >= maxRaw || l == "" && len(lines) == 0 {
			break
		}
		lines = append(lines, p.look.env.Theme.Dim.Render(cells.Cut(l, width)))
	}
	return lines
}

// whole writes an interval without a fraction that is nothing.
func whole(d time.Duration) string {
	if d < 10*time.Second && d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return human.Duration(d)
}
