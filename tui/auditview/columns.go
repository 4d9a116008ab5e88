package auditview

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// column is one that the list can show.
type column struct {
	name  string
	title lang.Msg
	from  int // the width of the screen from which it is shown by itself
	most  int // cells it takes at most; 0: what is left
	has   func(l *audit.Layout) bool
	text  func(r *audit.Row) string
}

func has(f audit.Field) func(*audit.Layout) bool {
	return func(l *audit.Layout) bool { return l.Has(f) }
}

func get(f audit.Field) func(*audit.Row) string {
	return func(r *audit.Row) string { return r.Get(f) }
}

// all are the columns in their order; time and action have drawings of their own.
var all = []column{
	{"id", lang.M("id"), 140, 12, has(audit.ID), get(audit.ID)},
	{"time", lang.M("time"), 0, 19, has(audit.CreatedAt), nil},
	{"action", lang.M("action"), 0, 10, has(audit.Action), nil},
	{"resource", lang.M("resource"), 0, 24, has(audit.ResourceType), (*audit.Row).Resource},
	{
		"user",
		lang.M("user"),
		50,
		14,
		func(l *audit.Layout) bool { return l.Has(audit.UserID) || l.Has(audit.UserName) },
		func(r *audit.Row) string { return r.User() },
	},
	{"ip", lang.Raw("IP"), 100, 15, has(audit.IP), get(audit.IP)},
	{"method", lang.M("method"), 160, 7, has(audit.Method), get(audit.Method)},
	{"path", lang.M("path"), 160, 28, has(audit.Path), get(audit.Path)},
	{"key", lang.M("key"), 999, 24, has(audit.Key), get(audit.Key)},
	{"agent", lang.M("agent"), 999, 24, has(audit.UserAgent), get(audit.UserAgent)},
	{"change", lang.M("change"), 60, 0, func(l *audit.Layout) bool {
		return l.Has(audit.Changes) || l.Has(audit.OldValue) || l.Has(audit.NewValue)
	}, nil},
}

// columns is what a person chose over what the width suggests.
type columns struct {
	forced map[string]bool // name: shown or not
}

func (c *columns) shown(l *audit.Layout, width int) []column {
	var out []column
	for _, col := range all {
		want, chosen := c.forced[col.name]
		if !chosen {
			want = width >= col.from
		}
		if want && col.has(l) {
			out = append(out, col)
		}
	}
	return out
}

func (c *columns) toggle(name string, on bool) {
	if c.forced == nil {
		c.forced = map[string]bool{}
	}
	c.forced[name] = on
}

// picker is the dialog that chooses columns.
type picker struct {
	p      *rows
	cols   []column
	scroll widget.Scroll
	width  int
}

func (p *rows) chooseColumns() tea.Cmd {
	d := &picker{p: p, width: p.list.width}
	for _, col := range all {
		if col.has(p.base.src.Layout()) {
			d.cols = append(d.cols, col)
		}
	}
	return page.Send(page.Open{Overlay: d})
}

func (d *picker) on(name string) bool {
	for _, col := range d.p.look.shown(d.p.base.src.Layout(), d.width) {
		if col.name == name {
			return true
		}
	}
	return false
}

// Update takes a key: space turns a column on or off, enter and esc leave.
func (d *picker) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "enter", "c", "q", "ctrl+c":
		return nil, true
	case " ", "x":
		name := d.cols[d.scroll.Cursor].name
		d.p.look.toggle(name, !d.on(name))
	default:
		d.scroll.Key(k.String())
	}
	return nil, false
}

// View draws the dialog.
func (d *picker) View(size page.Size) string {
	t, e := d.p.base.env.Theme, d.p.base.env
	d.scroll.Resize(len(d.cols), max(1, size.Height-5))
	from, to := d.scroll.Window()
	var lines []string
	for i := from; i < to; i++ {
		mark := t.Glyph.Pending
		if d.on(d.cols[i].name) {
			mark = t.OK.Render(t.Glyph.Check)
		}
		text := cells.Pad(e.Lang.Msg(d.cols[i].title), 20)
		if i == d.scroll.Cursor {
			text = t.Selected.Render(text)
		}
		lines = append(lines, mark+" "+text)
	}
	lines = append(lines, "", widget.KeyHelp(t, "space", e.T("show or hide"))+"  "+widget.KeyHelp(t, "esc",
		e.T("back")))
	return widget.Box(t, " "+e.T("columns")+" ", lines, size)
}

// Cells of a row.

// cellWidths gives each column the room its content needs, up to its most; the
// open one takes what is left. Where that is little, the widest give way.
func (p *base) cellWidths(cols []column, rows []audit.Row, width int) []int {
	widths := make([]int, len(cols))
	open := -1
	used := 1
	for i, col := range cols {
		widths[i] = cells.Width(p.env.Lang.Msg(col.title))
		if col.most == 0 {
			open = i
			continue
		}
		for r := range rows {
			widths[i] = max(widths[i], cells.Width(p.plainCell(col, &rows[r], width)))
		}
		widths[i] = min(widths[i], col.most)
		used += widths[i] + 2
	}
	if open >= 0 {
		widths[open] = max(width-used, 0)
	}
	for over := used - width; over > 0 && open < 0; over-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] && cols[i].name != "time" {
				widest = i
			}
		}
		widths[widest]--
	}
	return widths
}

// plainCell is a cell's text without colour.
func (p *base) plainCell(col column, r *audit.Row, width int) string {
	switch col.name {
	case "time":
		return p.clock(r, width)
	case "action":
		return "  " + termsafe.Line(r.Get(audit.Action))
	case "change":
		return shown(audit.Brief(audit.Diff(r), 4))
	}
	return shown(col.text(r))
}

// shown makes a row's text fit for the screen: no secrets, no control characters.
func shown(s string) string { return termsafe.Line(audit.Mask(s)) }

// clock is a row's time: what is not as today comes first, as much of the rest
// as the width allows.
func (p *base) clock(r *audit.Row, width int) string {
	if r.Time.IsZero() {
		return p.env.Theme.Glyph.Unknown
	}
	at := r.Time.In(p.env.Zone)
	now := p.env.Clock.Now().In(p.env.Zone)
	switch {
	case width >= 100 || width >= 60 && at.Year() != now.Year():
		return at.Format("2006-01-02 15:04:05")
	case width >= 60:
		return at.Format("01-02 15:04:05")
	case at.Year() != now.Year():
		return at.Format("2006-01-02")
	case sameDay(at, now):
		return at.Format("15:04:05")
	}
	return at.Format("01-02 15:04")
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// cell draws one cell in exactly w cells; selected rows carry no colours of
// their own. before is the row above, for what need not be said twice.
func (p *base) cell(col column, r, before *audit.Row, w, width int, selected bool) string {
	text := cells.Pad(p.plainCell(col, r, width), w)
	t := p.env.Theme
	switch {
	case col.name == "action":
		style, glyph := p.actionLook(r.Get(audit.Action))
		text = cells.Pad(glyph+" "+termsafe.Line(r.Get(audit.Action)), w)
		if !selected {
			return style.Render(text)
		}
	case selected:
	case col.name == "time":
		return p.clockCell(text, r, before, width)
	case col.name == "change":
		return p.arrows(text)
	case col.name == "resource":
		kind, rest, found := strings.Cut(text, ":")
		if found {
			return kind + t.Dim.Render(":") + t.Bold.Render(rest)
		}
	case col.name == "id" || col.name == "ip" || col.name == "agent" || col.name == "key":
		return t.Dim.Render(text)
	}
	return text
}

// clockCell dims the date where it is that of the row above.
func (p *base) clockCell(text string, r, before *audit.Row, width int) string {
	date, clock, found := strings.Cut(text, " ")
	if !found || width < 60 || r.Time.IsZero() {
		return text
	}
	style := p.env.Theme.Accent
	if before != nil && sameDay(before.Time.In(p.env.Zone), r.Time.In(p.env.Zone)) {
		style = p.env.Theme.Dim
	}
	return style.Render(date) + " " + clock
}

// arrows dims the marks between old and new values.
func (p *base) arrows(text string) string {
	return strings.ReplaceAll(text, "→", p.env.Theme.Accent.Render("→"))
}

// actionLook is an action's colour and mark; the word stands beside it.
func (p *base) actionLook(action string) (lipgloss.Style, string) {
	t := p.env.Theme
	switch strings.ToUpper(action) {
	case "CREATE", "INSERT", "ADD":
		return t.Added, "+"
	case "DELETE", "REMOVE":
		return t.Removed, "-"
	case "UPDATE", "MODIFY", "EDIT":
		return t.Warn, "~"
	case "APPROVE", "FULFILL", "APPLY":
		return t.Info, t.Glyph.Check
	case "REJECT", "CANCEL":
		return t.Unknown, t.Glyph.Cross
	case "LOGIN", "LOGOUT", "QUERY":
		return t.Dim, t.Glyph.Bullet
	}
	return t.Text, t.Glyph.Bullet
}
