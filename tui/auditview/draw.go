package auditview

import (
	"errors"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// wide is the width from which the list has the chosen row beside it.
const wide = 150

// drawList draws the query line, the rows and one line about them.
func (p *Page) drawList(size page.Size) []string {
	lines := []string{p.editor.queryLine(size.Width)}
	if size.Height < 3 {
		return lines
	}
	lines = append(lines, p.editor.hints(size)...)
	body := page.Size{Width: size.Width, Height: size.Height - len(lines) - 1}
	side := 0
	if size.Width >= wide && len(p.rows.list.rows) > 0 && !p.base.env.Theme.Plain {
		side = size.Width * 2 / 5
		body.Width -= side + 1
	}
	rows := p.sheet.drawRows(body)
	if side > 0 {
		rows = p.sheet.beside(rows, body, side)
	}
	lines = append(lines, rows...)
	for len(lines) < size.Height-1 {
		lines = append(lines, "")
	}
	return append(lines, p.sheet.statusLine(size.Width))
}

// readAtFrom is the width from which the query's line says when a list was read.
const readAtFrom = 60

// readAt says when a list was read that does not follow its source: after a restore
// its rows may no longer be those of the database.
func (p *base) readAt(at time.Time) string {
	return p.env.T("read at %s", at.In(p.env.Zone).Format(time.TimeOnly))
}

// queryLine is the query, or what can be written there.
func (p *editor) queryLine(w int) string {
	t, e := p.base.env.Theme, p.base.env
	if p.editing {
		return " " + p.input.View(t, w-1)
	}
	right := ""
	switch {
	case p.rows.list.loading:
		right = t.Accent.Render(t.Glyph.Running+" "+e.T("reading")) + " "
	case p.rows.list.live && p.rows.list.lost:
		right = t.Warn.Render(t.Glyph.Warn+" "+e.T("live, once the server is back")) + " "
	case p.rows.list.live && p.rows.list.unseen > 0:
		right = t.Badge.Render(e.T(" +%d new ", p.rows.list.unseen)) + " "
	case p.rows.list.live:
		right = t.OK.Render(t.Glyph.OK+" "+e.T("live")) + " "
	case !p.rows.list.read.IsZero() && w >= readAtFrom:
		right = t.Dim.Render(p.base.readAt(p.rows.list.read)) + " "
	}
	if right != "" {
		right = " " + right
	}
	left := " " + t.Accent.Render("/") + " "
	if p.base.query == "" {
		all := e.T("all rows, newest first; for example user:1 action:DELETE since:-24h")
		return cells.Ends(left+t.Dim.Render(all), right, w)
	}
	return cells.Ends(left+t.Bold.Render(shown(p.base.query)), right, w)
}

// hints are the lines under the query while it is written: what is wrong, or
// what fits.
func (p *editor) hints(size page.Size) []string {
	if !p.editing {
		return nil
	}
	t, e := p.base.env.Theme, p.base.env
	if p.wrong != nil {
		before := cells.Width(p.input.Value()[:p.wrong.Pos])
		marks := strings.Repeat("^", max(1, cells.Width(p.input.Value()[p.wrong.Pos:p.wrong.End])))
		out := []string{cells.Cut(strings.Repeat(" ", 3+before)+t.Crit.Render(marks), size.Width)}
		for _, l := range cells.Wrap(termsafe.Line(e.Lang.Msg(p.wrong.Msg)), size.Width-4) {
			out = append(out, "   "+t.Crit.Render(l))
		}
		return out[:min(len(out), max(0, size.Height-2))]
	}
	var out []string
	room := min(maxOffers, max(0, size.Height-4))
	from := max(0, p.pick-room+1)
	for i := from; i < min(len(p.offers), from+room); i++ {
		c := p.offers[i]
		text := " " + cells.Pad(shown(c.Value), 28)
		switch {
		case c.Label != "":
			text += " " + shown(c.Label)
		case c.Rows > 0:
			text += t.Dim.Render(cells.PadLeft(human.Count(c.Rows), 8))
		}
		mark := "  " + t.Rule.Render(t.Glyph.VRule)
		if i == from+room-1 && i < len(p.offers)-1 {
			mark = "  " + t.Dim.Render(t.Glyph.Down)
		}
		if i == p.pick {
			text = t.Selected.Render(cells.Cut(" "+cells.Pad(shown(c.Value), 28), size.Width-4))
			mark = "  " + t.Accent.Render(t.Glyph.Cursor)
		}
		out = append(out, cells.Cut(mark+text, size.Width))
	}
	return out
}

// drawRows draws the head and the visible rows.
func (p *sheet) drawRows(size page.Size) []string {
	l := &p.rows.list
	t := p.base.env.Theme
	l.width = size.Width
	switch {
	case l.err != nil:
		return p.base.problem(l.err, size, lang.M("r tries again"))
	case l.question != nil:
		return p.base.drawQuestion(l.question, size)
	case len(l.rows) == 0 && l.loading:
		return p.drawSearch(size)
	case len(l.rows) == 0:
		return []string{"", "  " + t.Dim.Render(p.empty())}
	}
	banner := p.banner(size.Width)
	height := max(1, size.Height-1-len(banner))
	l.scroll.Resize(len(l.rows), height)
	from, to := l.scroll.Window()
	rows := l.rows[from:to]
	cols := p.rows.look.shown(p.base.src.Layout(), size.Width)
	widths := p.base.cellWidths(cols, rows, size.Width)
	head := " "
	for i, col := range cols {
		head += cells.Pad(p.base.env.Lang.Msg(col.title), widths[i]) + "  "
	}
	lines := append(banner, t.Dim.Render(cells.Cut(strings.TrimRight(head, " "), size.Width)))
	for i := range rows {
		lines = append(lines, p.drawRow(cols, widths, from+i, size.Width))
	}
	return lines
}

func (p *sheet) drawRow(cols []column, widths []int, at, width int) string {
	r := &p.rows.list.rows[at]
	selected := at == p.rows.list.scroll.Cursor
	var before *audit.Row
	if at > p.rows.list.scroll.Top {
		before = &p.rows.list.rows[at-1]
	}
	var b strings.Builder
	for i, col := range cols {
		if widths[i] == 0 {
			continue
		}
		b.WriteString(p.base.cell(col, r, before, widths[i], width, selected))
		b.WriteString("  ")
	}
	line := cells.Pad(strings.TrimRight(b.String(), " "), width-1)
	if selected {
		return widget.SelectedRow(p.base.env.Theme, line, width)
	}
	return " " + line
}

// empty says why there is nothing.
func (p *sheet) empty() string {
	if p.rows.list.partial {
		return p.base.env.T("nothing found yet, searched back to %s", p.base.moment(p.rows.list.next.At))
	}
	if p.base.query == "" {
		return p.base.env.T("the table is empty")
	}
	return p.base.env.T("no row matches; esc shows all")
}

// banner says what is not as usual with the list.
func (p *sheet) banner(w int) []string {
	t, e := p.base.env.Theme, p.base.env
	if !p.rows.list.unproved {
		return nil
	}
	text := e.T("the highest ids; checking whether they are the newest rows")
	if n := p.base.proof.progress; n.Total > 0 {
		text += "  " + human.Percent(float64(n.Done)/float64(n.Total))
	}
	if p.base.proof.err != nil {
		text = e.T("the highest ids; the table's order is not known: %s", sentence(p.base.proof.err))
	}
	return []string{t.Warn.Render(cells.Cut(" "+t.Glyph.Warn+" "+termsafe.Line(text), w))}
}

// drawQuestion shows what would be read, and asks.
func (p *base) drawQuestion(err error, size page.Size) []string {
	t, e := p.env.Theme, p.env
	var much *audit.TooMuchError
	out := []string{""}
	add := func(style lipgloss.Style, s string) {
		for _, l := range cells.Wrap(termsafe.Text(s), max(1, size.Width-4)) {
			out = append(out, "  "+style.Render(l))
		}
	}
	if errors.As(err, &much) {
		add(t.Warn, t.Glyph.Warn+" "+e.Lang.Msg(much.Message()))
		if a := much.Advice(); !a.Empty() {
			out = append(out, "")
			add(t.Text, e.Lang.Msg(a))
		}
		out = append(out, "", "  "+widget.KeyHelp(t, "a", e.T("read anyway"))+"  "+widget.KeyHelp(t, "/",
			e.T("change the query")))
		return out
	}
	add(t.Dim, e.T("reading the rows once to learn their order"))
	if n := p.proof.progress; n.Total > 0 {
		out = append(
			out,
			"",
			"  "+widget.Bar(t, float64(n.Done)/float64(n.Total), min(40, size.Width-12))+" "+human.Percent(
				float64(n.Done)/float64(n.Total),
			),
		)
		out = append(out, "  "+t.Dim.Render(e.T("%s rows", human.Count(n.Done))))
	}
	return out
}

// problem shows an error with its hint.
func (p *base) problem(err error, size page.Size, then lang.Msg) []string {
	t, e := p.env.Theme, p.env
	out := []string{""}
	add := func(prefix, s string) {
		for i, l := range cells.Wrap(termsafe.Text(s), max(1, size.Width-6)) {
			if i > 0 {
				prefix = strings.Repeat(" ", cells.Width(prefix))
			}
			out = append(out, "  "+prefix+l)
		}
	}
	add(t.Crit.Render(t.Glyph.Crit)+" ", e.Lang.Msg(sentence(err)))
	var o *ops.Error
	if errors.As(err, &o) {
		if o.Err != nil {
			add("  ", audit.Mask(e.Lang.Msg(lang.M("%s", o.Err))))
		}
		if !o.Hint.Empty() {
			out = append(out, "")
			add("→ ", e.Lang.Msg(o.Hint))
		}
	}
	return append(out, "", "  "+t.Dim.Render(e.Lang.Msg(then)))
}

// statusLine is one line about the rows: where the cursor is, how they were got.
func (p *sheet) statusLine(w int) string {
	l := &p.rows.list
	t := p.base.env.Theme
	e := p.base.env
	var parts []string
	if len(l.rows) > 0 {
		more := ""
		if l.more {
			more = "+"
		}
		parts = append(parts, e.T("row %s of %s", human.Count(int64(l.scroll.Cursor+1)),
			human.Count(int64(len(l.rows)))+more))
	}
	switch {
	case l.loading && l.seen.Rows > 0:
		parts = append(parts, e.Lang.Msg(p.lookedAt()))
	case l.partial:
		parts = append(parts, t.Warn.Render(e.T("searched back to %s; press m to continue", p.base.moment(l.next.At))))
	case len(l.rows) > 0:
		parts = append(parts, e.T("%d ms by %s", l.took.Milliseconds(), l.way.Label()))
	}
	for _, n := range p.base.src.Notes()[:min(1, len(p.base.src.Notes()))] {
		parts = append(parts, e.Lang.Msg(n))
	}
	return t.Dim.Render(cells.Cut(" "+termsafe.Line(strings.Join(parts, " "+t.Glyph.Dot+" ")), w))
}

// lookedAt tells how far a search is: of how many rows, or back to when.
func (p *sheet) lookedAt() lang.Msg {
	n := p.rows.list.seen
	if n.Of > 0 {
		return lang.M("%s of about %s rows read", human.Count(n.Rows), human.Count(n.Of))
	}
	return lang.M("%s rows read, back to %s", human.Count(n.Rows), p.base.moment(n.Back))
}

// drawSearch stands in the place of rows that have not come yet.
func (p *sheet) drawSearch(size page.Size) []string {
	t, n := p.base.env.Theme, p.rows.list.seen
	if n.Of == 0 {
		return []string{"", "  " + t.Dim.Render(p.base.env.T("reading the newest rows …"))}
	}
	share := float64(n.Rows) / float64(n.Of)
	out := []string{""}
	add := func(text string) {
		for _, l := range cells.Wrap(text, max(1, size.Width-4)) {
			out = append(out, "  "+t.Dim.Render(l))
		}
	}
	add(p.base.env.T("no index helps here; scanning the whole table …"))
	out = append(out, "  "+widget.Bar(t, share, min(40, size.Width-12))+" "+human.Percent(share))
	add(p.base.env.Lang.Msg(p.lookedAt()))
	return out
}

// moment is a stamp for people.
func (p *base) moment(at audit.Stamp) string {
	when := at.Moment(p.src.Layout().Zone)
	if when.IsZero() {
		return "-"
	}
	return p.env.Time(when)
}

// beside puts the chosen row at the right of the list.
func (p *sheet) beside(rows []string, body page.Size, side int) []string {
	t := p.base.env.Theme
	r := &p.rows.list.rows[min(p.rows.list.scroll.Cursor, len(p.rows.list.rows)-1)]
	right := p.base.describe(r, side-2)
	return widget.Beside(t, rows, right, body.Width, side, body.Height)
}
