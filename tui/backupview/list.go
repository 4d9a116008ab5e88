package backupview

import (
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// listView draws the head, the rows, and the line of the filter.
func (p *table) listView(size page.Size) []string {
	lines := p.stock.head(size.Width)
	width := size.Width - p.paneWidth(size)
	c := p.stock.layout(width)
	switch {
	case p.stock.shelf == nil:
	case size.Height < 14:
		lines = lines[:1]
	default:
		lines = append(lines, p.stock.columnHeads(c, width))
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
	var rows []string
	text := width
	if width < size.Width {
		text-- // before the rule
	}
	for i := from; i < min(to, len(p.rows)); i++ {
		rows = append(rows, p.row(p.rows[i], c, i == p.scroll.Cursor, text))
	}
	if width < size.Width {
		side := size.Width - width - 1
		rows = widget.Beside(p.stock.env.Theme, rows, p.pane(side-1), width, side, max(0, room))
	}
	lines = append(lines, rows...)
	if foot != "" {
		for len(lines) < size.Height-1 {
			lines = append(lines, "")
		}
		lines = append(lines[:size.Height-1], foot)
	}
	return lines
}

// A screen of wideFrom columns or more has the chosen backup at the right of a list of
// listWidth columns or more: names that are cut show the same letters in every row.
const (
	wideFrom   = 180
	listWidth  = 122
	paneEnough = 68
)

// paneWidth is what the chosen backup takes with the rule, or 0 where there is no room.
func (p *table) paneWidth(size page.Size) int {
	if size.Width < wideFrom || size.Height < 14 || len(p.rows) == 0 {
		return 0
	}
	return min(size.Width-listWidth, paneEnough)
}

// described is the backup under the cursor; for the head of a tier, its first one.
func (p *table) described() *backup.Set {
	for i := max(0, p.scroll.Cursor); i < len(p.rows); i++ {
		if s := p.rows[i].set; s != nil {
			return s
		}
	}
	return nil
}

// pane describes the chosen backup.
func (p *table) pane(width int) []string {
	s := p.described()
	if s == nil {
		return nil
	}
	t, e := p.stock.env.Theme, p.stock.env
	style, glyph := t.State(s.State.Health())
	head := []string{
		cells.Cut(t.Title.Render(termsafe.Line(s.Name)), width),
		style.Render(glyph + " " + e.Lang.Msg(s.State.Label())),
		"",
	}
	return append(head, p.dossier.detailLines(s, width)...)
}

// head says how old the newest good backup is, what the sizes do, and the room.
func (p *stock) head(width int) []string {
	t, e := p.env.Theme, p.env
	if p.shelf == nil {
		if p.err != nil {
			return p.trouble(t.Crit, t.Glyph.Crit, width)
		}
		return []string{" " + t.Dim.Render(e.T("reading the backups…"))}
	}
	lines := []string{p.verdict(width)}
	if p.err != nil {
		lines = append(lines, p.trouble(t.Warn, t.Glyph.Warn, width)...)
	}
	return append(lines, p.sizes(width), p.legend(width))
}

// trouble is why the folder cannot be read now, whole: its end says what helps.
func (p *stock) trouble(style lipgloss.Style, glyph string, width int) []string {
	lines := []string{}
	for i, line := range cells.Wrap(p.sentence(p.err), max(1, width-4)) {
		mark := " "
		if i == 0 {
			mark = glyph
		}
		lines = append(lines, " "+style.Render(mark+" "+line))
	}
	return lines
}

// verdict is the RPO as it stands: what would be lost now.
func (p *stock) verdict(width int) string {
	t := p.env.Theme
	e := p.env
	inv := p.shelf.Inventory
	state, text := p.summary(e.Clock.Now())
	style, glyph := t.State(state)
	line := " " + style.Render(glyph+" "+e.Lang.Msg(text))
	if s := backup.NewestAnywhere(inv, p.shelf.Away, inv.Database); s != nil && p.err == nil && width >= 70 {
		line += "  " + t.Dim.Render(e.Time(s.At))
		if s.AtCopy != "" {
			line += "  " + t.Dim.Render(e.T("at the copy %s", termsafe.Line(s.AtCopy)))
		}
	}
	return cells.Cut(line, width)
}

func (p *stock) summary(now time.Time) (ops.State, lang.Msg) {
	inv := p.shelf.Inventory
	s := backup.NewestAnywhere(inv, p.shelf.Away, inv.Database)
	if moved := backup.NewestProved(inv, inv.Database); s == nil && moved != nil {
		return ops.StateWarning, lang.M("the metadata of %s changed since it was verified; press V to verify it again",
			termsafe.Line(moved.Name))
	}
	if s == nil {
		return ops.StateCritical, lang.M("no good backup of %s", inv.Database)
	}
	age := minutes(now.Sub(s.At))
	switch {
	case p.svc.Late > 0 && now.Sub(s.At) > p.svc.Late:
		return ops.StateCritical, lang.M("newest good backup %s ago, the schedule allows %s", age,
			human.Duration(p.svc.Late))
	case p.svc.Late > 0:
		return ops.StateOK, lang.M("newest good backup %s ago, of %s allowed", age, human.Duration(p.svc.Late))
	}
	return ops.StateOK, lang.M("newest good backup %s ago", age)
}

// sizes draws the trend of the full backups' sizes and the room on the disk;
// what does not fit is left out, the least needed first.
func (p *stock) sizes(width int) string {
	for detail := 2; detail > 0; detail-- {
		if line := p.sizesWith(width, detail); cells.Width(line) <= width {
			return line
		}
	}
	return cells.Cut(p.sizesWith(width, 0), width)
}

func (p *stock) sizesWith(width, detail int) string {
	t := p.env.Theme
	e := p.env
	inv := p.shelf.Inventory
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
	parts = append(parts, e.T("%s used", human.Bytes(inv.Bytes)))
	if inv.Disk.Total > 0 {
		room := e.T("%s free", human.Bytes(inv.Disk.Free))
		if n := len(trend); detail > 1 && n > 0 && trend[n-1].Bytes > 0 {
			room += t.Dim.Render(e.T(" (room for %s more)", human.Count(inv.Disk.Free/trend[n-1].Bytes)))
		}
		parts = append(parts, room)
	}
	return " " + strings.Join(parts, t.Dim.Render("  "+t.Glyph.Dot+"  "))
}

// growth is the change of the size over the trend, by week.
func growth(l *lang.Printer, trend []backup.Point) string {
	first := trend[0]
	last := trend[len(trend)-1]
	weeks := last.At.Sub(first.At).Hours() / (24 * 7)
	if weeks < 0.5 || first.Bytes == 0 {
		return ""
	}
	share := (float64(last.Bytes)/float64(first.Bytes) - 1) / weeks
	sign := "+"
	if share < 0 {
		sign = "-"
		share = -share
	}
	return " " + l.T("%s a week", sign+human.Percent(share))
}

// spark draws sizes from a little under the smallest up, so that a change shows.
func spark(bars []rune, points []backup.Point) string {
	low, high := points[0].Bytes, points[0].Bytes
	for _, x := range points {
		low = min(low, x.Bytes)
		high = max(high, x.Bytes)
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

func (p *table) emptyLines(width int) []string {
	e := p.stock.env
	var text string
	switch {
	case p.stock.shelf == nil:
		return nil
	case p.filter != "":
		text = e.T("No backup matches. Press esc to list all.")
	default:
		text = e.T("There are no backups in %s yet. Press b to make one.", termsafe.Line(p.stock.shelf.Inventory.Dir))
	}
	lines := []string{""}
	for _, l := range cells.Wrap(text, max(1, width-4)) {
		lines = append(lines, "  "+e.Theme.Dim.Render(l))
	}
	return lines
}

func (p *table) filterLine(width int) string {
	t, e := p.stock.env.Theme, p.stock.env
	switch {
	case p.typing:
		return p.input.View(t, width)
	case p.filter != "":
		return cells.Cut(" "+t.Accent.Render("/"+termsafe.Line(p.filter))+"  "+t.Dim.Render(e.T("esc lists all")),
			width)
	case p.order != newestFirst:
		return cells.Cut(" "+t.Dim.Render(e.T("sorted: %s", p.order.label())), width)
	}
	return ""
}
