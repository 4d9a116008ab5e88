package stat

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/line"
)

// Sheet is a table laid out for people: a name, numbers and a bar or a curve in each row.
type Sheet struct {
	Head  []string // of the name and of the numbers
	Rows  []Row
	Notes []string // what the rows do not show: how many events are in no row, and why
}

// Row is a group, a stretch of time, or what is left.
type Row struct {
	Name   string
	Cells  []string
	Share  float64   // of the longest bar, 0 to 1
	Curve  []float64 // over time, each 0 to 1; nil for a bar
	Values []string  // of the group; nil for what is no group
}

// Glyphs are what bars and curves are drawn with.
type Glyphs struct {
	Full string
	Bar  []rune // eight heights, low to high
}

// curveCells is how many stretches of time a curve shows at most, maxEmpty how many rows a
// chart over time may have for empty stretches to be rows too.
const (
	curveCells = 40
	maxEmpty   = 200
)

// Sheet lays out the first groups of an order (0 for all), or the stretches of time.
func (t *Table) Sheet(p *lang.Printer, o Order, top int) *Sheet {
	s := &Sheet{}
	switch {
	case len(t.Ask.By) > 0:
		t.byGroup(s, p, o, top)
	case t.Ask.Over > 0:
		t.byTime(s, p)
	default:
		s.Head = append([]string{"", p.T("events")}, t.numberHead(p)...)
		s.Rows = []Row{{Name: p.T("all"), Cells: t.cells(t.All.Count, &t.All.Numbers)}}
	}
	t.notes(s, p)
	return s
}

func (t *Table) numberHead(p *lang.Printer) []string {
	if t.Ask.Of == nil {
		return nil
	}
	return []string{"p50", "p95", "p99", p.T("max")}
}

func (t *Table) cells(count int64, n *Numbers) []string {
	out := []string{human.Count(count)}
	if t.Ask.Of == nil {
		return out
	}
	if n.Count == 0 {
		return append(out, "-", "-", "-", "-")
	}
	u := t.Unit()
	return append(out, text(n.Percentile(50), u), text(n.Percentile(95), u), text(n.Percentile(99), u), text(n.Max, u))
}

// text writes a number for people, with its unit.
func text(v float64, unit line.Unit) string {
	switch {
	case unit == line.Millis && math.Abs(v) < 1e12:
		return human.Duration(time.Duration(v * float64(time.Millisecond)))
	case unit == line.Bytes && math.Abs(v) < 1e18:
		return human.Bytes(int64(v))
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return human.Count(int64(v))
	}
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func (t *Table) byGroup(s *Sheet, p *lang.Printer, o Order, top int) {
	names := make([]string, len(t.Ask.By))
	for i := range t.Ask.By {
		names[i] = t.Ask.By[i].Name
	}
	s.Head = append([]string{strings.Join(names, " · "), p.T("events"), p.T("share")}, t.numberHead(p)...)
	groups := t.Groups(o)
	shown := groups
	if top > 0 && len(shown) > top {
		shown = shown[:top]
	}
	highest := 0.0
	for _, g := range shown {
		highest = max(highest, t.weight(g, o))
	}
	for _, g := range shown {
		row := Row{Name: strings.Join(g.Values, " · "), Cells: t.shared(t.cells(g.Count, &g.Numbers), g.Count)}
		row.Values = g.Values
		if highest > 0 {
			row.Share = max(0, t.weight(g, o)/highest)
		}
		if t.Ask.Over > 0 {
			row.Curve = t.curve(g)
		}
		s.Rows = append(s.Rows, row)
	}
	if rest := groups[len(shown):]; len(rest) > 0 {
		n := int64(0)
		for _, g := range rest {
			n += g.Count
		}
		name := "(" + p.T("%s more values", human.Count(int64(len(rest)))) + ")"
		s.Rows = append(s.Rows, Row{Name: name, Cells: t.shared([]string{human.Count(n)}, n)})
	}
}

// weight is what a group's bar shows: what groups are sorted by.
func (t *Table) weight(g *Group, o Order) float64 {
	if o == ByName {
		return float64(g.Count)
	}
	return o.of(g)
}

// shared puts the share of all grouped events after the count.
func (t *Table) shared(c []string, n int64) []string {
	share := strconv.FormatFloat(float64(n)*100/float64(max(1, t.All.Count)), 'f', 1, 64) + " %"
	return append([]string{c[0], share}, c[1:]...)
}

// curve is a group over all the time that is counted.
func (t *Table) curve(g *Group) []float64 {
	all := t.All.Over()
	if len(all) == 0 {
		return []float64{}
	}
	first, step := all[0].At, t.Ask.Over
	n := int(all[len(all)-1].At.Sub(first)/step) + 1
	width := min(n, curveCells)
	counts := make([]float64, width)
	highest := 0.0
	for _, c := range g.Over() {
		x := min(int(c.At.Sub(first)/step)*width/n, width-1)
		counts[x] += float64(c.Count)
		highest = max(highest, counts[x])
	}
	for i := range counts {
		counts[i] /= max(1, highest)
	}
	return counts
}

func (t *Table) byTime(s *Sheet, p *lang.Printer) {
	s.Head = append([]string{p.T("time"), p.T("events")}, t.numberHead(p)...)
	all := t.All.Over()
	highest := int64(1)
	for _, c := range all {
		highest = max(highest, c.Count)
	}
	layout := "2006-01-02 15:04:05"
	if t.Ask.Over < time.Second {
		layout += ".000"
	}
	fill := len(all) > 0 && int64(all[len(all)-1].At.Sub(all[0].At)/t.Ask.Over) < maxEmpty
	var next time.Time
	for _, c := range all {
		for fill && !next.IsZero() && next.Before(c.At) {
			s.Rows = append(s.Rows, Row{Name: next.Format(layout), Cells: t.cells(0, &Numbers{})})
			next = next.Add(t.Ask.Over)
		}
		row := Row{Name: c.At.Format(layout), Cells: t.cells(c.Count, &c.Numbers)}
		row.Share = float64(c.Count) / float64(highest)
		s.Rows = append(s.Rows, row)
		next = c.At.Add(t.Ask.Over)
	}
}

// notes say what is in no row.
func (t *Table) notes(s *Sheet, p *lang.Printer) {
	say := func(n int64, text string) {
		if n > 0 {
			s.Notes = append(s.Notes, text)
		}
	}
	s.Notes = append(s.Notes, p.T("%s events counted", human.Count(t.Events)))
	for i := range t.Ask.By {
		say(t.Without[i], p.T("%s without %s", human.Count(t.Without[i]), t.Ask.By[i].Name))
	}
	if t.Ask.Of != nil {
		say(t.NoNumber, p.T("%s without a number in %s", human.Count(t.NoNumber), t.Ask.Of.Name))
		say(t.OtherUnit, p.T("%s of them with a number of another unit", human.Count(t.OtherUnit)))
		if t.unit != line.Plain && t.unit != line.UnitOf(t.Ask.Of.Name) {
			say(t.Unitless, p.T("%s without a unit, counted as %s", human.Count(t.Unitless), unitName(t.unit)))
		}
	}
	if t.Ask.Over > 0 {
		say(t.NoTime, p.T("%s without a time", human.Count(t.NoTime)))
	}
	say(t.Beyond, p.T("%s in groups after the first %s", human.Count(t.Beyond), human.Count(maxGroups)))
	if t.All.Numbers.Rounded {
		s.Notes = append(s.Notes, p.T("percentiles are accurate to three digits"))
	}
}

// unitName is the unit that numbers are counted in.
func unitName(u line.Unit) string {
	if u == line.Bytes {
		return "B"
	}
	return "ms"
}

// Line is a drawn row: its text, and its bar or curve.
type Line struct{ Text, Bar string }

// minName and minBar are the narrowest columns.
const (
	minName = 12
	minBar  = 6
)

// Lines draws the head and the rows for a width. Columns that have no room are left out: p99 and the
// share first.
func (s *Sheet) Lines(width int, g Glyphs) []Line {
	use := s.columns(width)
	widths := make([]int, len(s.Head))
	name := cells.Width(s.Head[0])
	for _, r := range s.Rows {
		name = max(name, cells.Width(termsafe.Line(r.Name)))
	}
	rest := 0
	for _, c := range use {
		widths[c] = s.columnWidth(c)
		rest += 2 + widths[c]
	}
	name = max(min(name, width-rest-1), minName)
	bar := min(width-name-rest-3, curveCells)
	out := []Line{{Text: s.line(s.Head[0], s.Head[1:], use, name, widths)}}
	for _, r := range s.Rows {
		l := Line{Text: s.line(r.Name, r.Cells, use, name, widths)}
		if bar >= minBar {
			l.Bar = r.bar(bar, g)
		}
		out = append(out, l)
	}
	return out
}

func (s *Sheet) columnWidth(c int) int {
	w := cells.Width(s.Head[c])
	for _, r := range s.Rows {
		if c <= len(r.Cells) {
			w = max(w, cells.Width(r.Cells[c-1]))
		}
	}
	return w
}

// columns are the ones with room, by their places in Head.
func (s *Sheet) columns(width int) []int {
	var use []int
	for c := 1; c < len(s.Head); c++ {
		use = append(use, c)
	}
	wide := func() int {
		w := minName + 1
		for _, c := range use {
			w += 2 + s.columnWidth(c)
		}
		return w
	}
	leave := []int{2} // the share
	if n := len(s.Head); n > 5 {
		leave = []int{n - 2, 2, n - 4, n - 1} // p99, the share, p50, the highest
	}
	for _, c := range leave {
		if wide() > width && len(use) > 2 {
			for i := range use {
				if use[i] == c {
					use = append(use[:i], use[i+1:]...)
					break
				}
			}
		}
	}
	return use
}

func (s *Sheet) line(name string, values []string, use []int, room int, widths []int) string {
	var b strings.Builder
	b.WriteString(cells.Pad(termsafe.Line(name), room))
	for _, c := range use {
		text := ""
		if c <= len(values) {
			text = values[c-1]
		}
		fmt.Fprintf(&b, "  %s", cells.PadLeft(text, widths[c]))
	}
	return b.String()
}

func (r *Row) bar(width int, g Glyphs) string {
	if r.Curve == nil {
		n := int(math.Round(r.Share * float64(width)))
		if r.Share > 0 {
			n = max(n, 1)
		}
		return strings.Repeat(g.Full, n)
	}
	var b strings.Builder
	for _, v := range narrowed(r.Curve, width) {
		if v <= 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(g.Bar[max(0, min(len(g.Bar)-1, int(math.Ceil(v*float64(len(g.Bar))))-1))])
	}
	return strings.TrimRight(b.String(), " ")
}

// narrowed is a curve in fewer cells, each as high as the highest of those it replaces.
func narrowed(curve []float64, width int) []float64 {
	if len(curve) <= width {
		return curve
	}
	out := make([]float64, width)
	for i, v := range curve {
		at := i * width / len(curve)
		out[at] = max(out[at], v)
	}
	return out
}
