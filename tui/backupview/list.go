package backupview

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/tui/page"
)

// listView draws the head, the rows, and the line of the filter.
func (p *Page) listView(size page.Size) []string {
	lines := p.head(size.Width)
	if size.Height < 14 {
		lines = lines[:1]
	}
	foot := p.filterLine(size.Width)
	if size.Height <= len(lines)+2 {
		foot = ""
	}
	room := size.Height - len(lines)
	if foot != "" {
		room--
	}
	p.scroll.Resize(len(p.rows), max(1, room))
	if len(p.rows) == 0 {
		lines = append(lines, p.emptyLines(size.Width)...)
	}
	from, to := p.scroll.Window()
	c := p.layout(size.Width)
	for i := from; i < min(to, len(p.rows)); i++ {
		lines = append(lines, p.row(p.rows[i], c, i == p.scroll.Cursor, size.Width))
	}
	if foot != "" {
		for len(lines) < size.Height-1 {
			lines = append(lines, "")
		}
		lines = append(lines[:size.Height-1], foot)
	}
	return lines
}

// head says how old the newest good backup is, what the sizes do, and the room.
func (p *Page) head(width int) []string {
	t, e := p.env.Theme, p.env
	if p.shelf == nil {
		if p.err != nil {
			return []string{" " + t.Crit.Render(cells.Cut(t.Glyph.Crit+" "+p.sentence(p.err), width-1))}
		}
		return []string{" " + t.Dim.Render(e.T("looking at the backups…"))}
	}
	lines := []string{p.verdict(width)}
	lines = append(lines, p.sizes(width), "")
	return lines
}

// verdict is the RPO as it stands: what would be lost now.
func (p *Page) verdict(width int) string {
	t, e, inv := p.env.Theme, p.env, p.shelf.Inventory
	state, text := p.standing(e.Clock.Now())
	style, glyph := t.State(state)
	line := " " + style.Render(glyph+" "+e.Lang.Msg(text))
	if p.err != nil {
		line += "  " + t.Warn.Render(p.sentence(p.err))
	} else if s := backup.Newest(inv, inv.Database); s != nil && width >= 70 {
		line += "  " + t.Dim.Render(e.Time(s.At))
	}
	return cells.Cut(line, width)
}

func (p *Page) standing(now time.Time) (ops.State, lang.Msg) {
	inv := p.shelf.Inventory
	s := backup.Newest(inv, inv.Database)
	if s == nil {
		return ops.StateCritical, lang.M("no good backup of %s", inv.Database)
	}
	age := now.Sub(s.At).Truncate(time.Minute)
	if p.svc.Late > 0 && age > p.svc.Late {
		return ops.StateCritical, lang.M("newest good backup %s ago, the schedule allows %s", human.Duration(age), human.Duration(p.svc.Late))
	}
	if p.svc.Late > 0 {
		return ops.StateOK, lang.M("newest good backup %s ago, of %s allowed", human.Duration(age), human.Duration(p.svc.Late))
	}
	return ops.StateOK, lang.M("newest good backup %s ago", human.Duration(age))
}

// sizes draws the trend of the full backups' sizes and the room on the disk;
// what does not fit is left out, the least needed first.
func (p *Page) sizes(width int) string {
	for detail := 2; detail > 0; detail-- {
		if line := p.sizesWith(width, detail); cells.Width(line) <= width {
			return line
		}
	}
	return cells.Cut(p.sizesWith(width, 0), width)
}

func (p *Page) sizesWith(width, detail int) string {
	t, e, inv := p.env.Theme, p.env, p.shelf.Inventory
	var parts []string
	trend := backup.SizeTrend(inv)
	if len(trend) > 1 {
		w := min(len(trend), max(8, width/4))
		part := t.Info.Render(spark(t.Glyph.Bar, trend[len(trend)-w:])) + " " + human.Bytes(trend[len(trend)-1].Bytes)
		if detail > 0 {
			part += t.Dim.Render(growth(e.Lang, trend))
		}
		parts = append(parts, part)
	}
	parts = append(parts, e.T("%s held", human.Bytes(inv.Bytes)))
	if inv.Disk.Total > 0 {
		room := e.T("%s free", human.Bytes(inv.Disk.Free))
		if n := len(trend); detail > 1 && n > 0 && trend[n-1].Bytes > 0 {
			room += t.Dim.Render(" " + e.T("(room for %s more)", human.Count(inv.Disk.Free/trend[n-1].Bytes)))
		}
		parts = append(parts, room)
	}
	return " " + strings.Join(parts, t.Dim.Render("  "+t.Glyph.Dot+"  "))
}

// growth is the change of the size over the trend, by week.
func growth(l *lang.Printer, trend []backup.Point) string {
	first, last := trend[0], trend[len(trend)-1]
	weeks := last.At.Sub(first.At).Hours() / (24 * 7)
	if weeks < 0.5 || first.Bytes == 0 {
		return ""
	}
	share := (float64(last.Bytes)/float64(first.Bytes) - 1) / weeks
	sign := "+"
	if share < 0 {
		sign, share = "-", -share
	}
	return " " + l.T("%s a week", sign+human.Percent(share))
}

// spark draws sizes from a little under the smallest up, so that a change shows.
func spark(bars []rune, points []backup.Point) string {
	low, high := points[0].Bytes, points[0].Bytes
	for _, x := range points {
		low, high = min(low, x.Bytes), max(high, x.Bytes)
	}
	base := float64(low) - 0.3*float64(high-low)
	if high-low < high/20 {
		base = float64(high) * 0.5 // a nearly even line is drawn even
	}
	var b strings.Builder
	for _, x := range points {
		share := (float64(x.Bytes) - base) / (float64(high) - base + 1)
		b.WriteRune(bars[max(0, min(7, int(share*8)))])
	}
	return b.String()
}

func (p *Page) emptyLines(width int) []string {
	e := p.env
	var text string
	switch {
	case p.shelf == nil:
		return nil
	case p.filter != "":
		text = e.T("No backup holds these words. Press esc to list all.")
	default:
		text = e.T("There are no backups in %s yet. Press b to make one.", termsafe.Line(p.shelf.Inventory.Dir))
	}
	lines := []string{""}
	for _, l := range cells.Wrap(text, max(1, width-4)) {
		lines = append(lines, "  "+e.Theme.Dim.Render(l))
	}
	return lines
}

func (p *Page) filterLine(width int) string {
	t, e := p.env.Theme, p.env
	switch {
	case p.typing:
		return p.input.View(t, width)
	case p.filter != "":
		return cells.Cut(" "+t.Accent.Render("/"+termsafe.Line(p.filter))+"  "+t.Dim.Render(e.T("esc lists all")), width)
	case p.order != newestFirst:
		return cells.Cut(" "+t.Dim.Render(e.T("sorted: %s", p.order.label())), width)
	}
	return ""
}

// columns are the widths of the list's columns; 0 leaves one out.
type columns struct{ state, when, age, size, name, checked, note int }

const gap = 2

// layout shares out a width: what helps least goes first.
func (p *Page) layout(width int) columns {
	c := columns{state: p.stateWidth(), when: 16, age: 9, size: 8}
	switch {
	case width < 60:
		c.state, c.when, c.age = 1, 11, 5
	case width < 100:
	case width < 150:
		c.name = 40
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

func (p *Page) stateWidth() int {
	e, w := p.env, cells.Width(p.env.T("missing"))
	for _, s := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		w = max(w, cells.Width(e.Lang.Msg(s.Label())))
	}
	return w + 2
}

// row draws one row.
func (p *Page) row(r row, c columns, cursor bool, width int) string {
	t := p.env.Theme
	mark := " "
	if cursor {
		mark = t.Accent.Render(t.Glyph.Cursor)
	}
	var line string
	switch {
	case r.head:
		line = p.headRow(r, width)
	case r.set == nil:
		line = p.missingRow(r, c)
	default:
		line = p.setRow(r, c)
	}
	line = mark + cells.Cut(line, width-1)
	if cursor && r.set != nil {
		return t.Bold.Render(line)
	}
	return line
}

// headRow is a tier with its slots drawn as marks.
func (p *Page) headRow(r row, width int) string {
	t, e, tier := p.env.Theme, p.env, r.tier
	arrow := t.Glyph.Open
	if p.folded[string(tier.Tier)] && p.filter == "" {
		arrow = t.Glyph.Fold
	}
	line := t.Accent.Render(arrow) + " " + t.Title.Render(cells.Pad(e.Lang.Msg(tier.Tier.Label()), 10))
	if len(tier.Slots) == 0 {
		what := e.T("%d backups", len(tier.Sets))
		if tier.Keep > 0 {
			what += ", " + e.T("the newest %d are kept", tier.Keep)
		}
		return line + t.Dim.Render(what)
	}
	line += e.T("%d of %d", tier.Held, tier.Keep) + "  " + p.slotMarks(tier)
	if missing := tier.Missing(); len(missing) > 0 && width >= 60 {
		line += "  " + t.Warn.Render(e.T("missing: %s", p.slotNames(tier.Tier, missing)))
	}
	return line
}

// slotMarks draws a tier's slots, the newest at the right.
func (p *Page) slotMarks(tier *backup.TierInfo) string {
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

func (p *Page) slotNames(tier backup.Tier, slots []backup.Slot) string {
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

func (p *Page) missingRow(r row, c columns) string {
	t, e := p.env.Theme, p.env
	mark := t.Glyph.Pending
	if c.state > 1 {
		mark += " " + e.T("missing")
	}
	return "  " + t.Warn.Render(cells.Pad(mark, c.state)+"  "+e.Lang.Msg(r.slot.Label(r.tier.Tier)))
}

func (p *Page) setRow(r row, c columns) string {
	t, e, s := p.env.Theme, p.env, r.set
	style, glyph := t.State(s.State.Health())
	mark := glyph
	if c.state > 1 {
		mark += " " + e.Lang.Msg(s.State.Label())
	}
	cols := []string{
		"  " + style.Render(cells.Pad(mark, c.state)),
		p.when(s.At, c),
		t.Dim.Render(cells.PadLeft(p.ago(s.At, c.age), c.age)),
		cells.PadLeft(sizeOf(s), c.size),
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
func (p *Page) when(at time.Time, c columns) string {
	layout := "2006-01-02 15:04"
	return at.In(p.env.Zone).Format(layout[len(layout)-c.when:])
}

// noteOf is what there is to say about a backup in the room that is left.
func (p *Page) noteOf(r row, c columns) string {
	t, e, s := p.env.Theme, p.env, r.set
	if x, ok := s.Worst(); ok {
		style := t.Dim
		if x.Fatal() {
			style = t.Crit
		}
		return style.Render(cells.Cut(termsafe.Line(e.Lang.Msg(x.Text())), c.note))
	}
	if r.slot != nil && s.Tier != r.tier.Tier {
		return t.Dim.Render(cells.Cut("= "+termsafe.Line(s.Name), c.note))
	}
	return t.Dim.Render(cells.Cut(p.keepNote(s), c.note))
}

// keepNote is why it is kept, or that it will go.
func (p *Page) keepNote(s *backup.Set) string {
	step := p.steps[s]
	switch {
	case step.Verb == backup.Remove:
		return p.env.T("goes with the next prune")
	case len(step.Reasons) > 0:
		return p.env.Lang.Msg(step.Reasons[0].Text)
	}
	return ""
}

// ago is an age in two units, or in one where there is little room.
func (p *Page) ago(at time.Time, room int) string {
	d := p.env.Clock.Now().Sub(at)
	unit := time.Minute
	switch {
	case d < 0:
		return "-" + human.Duration(-d.Truncate(time.Minute))
	case d >= 10*24*time.Hour || room < 9 && d >= 24*time.Hour:
		unit = 24 * time.Hour
	case d >= 24*time.Hour || room < 9 && d >= time.Hour:
		unit = time.Hour
	}
	return human.Duration(d.Truncate(unit))
}

func sizeOf(s *backup.Set) string {
	if s.Parsed.Physical {
		return "–"
	}
	return human.Bytes(s.Size)
}
