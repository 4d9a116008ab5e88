package auditview

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// detail is one row, and those around it where it was opened.
type detail struct {
	rows   []audit.Row
	at     int
	scroll widget.Scroll
}

// show opens a row among those that stand beside it.
func (p *rows) show(rows []audit.Row, at int) tea.Cmd {
	p.detail = detail{rows: rows, at: at}
	p.base.enter(detailMode)
	return nil
}

// step goes to the row beside; the list's cursor follows.
func (p *rows) step(n int) tea.Cmd {
	d := &p.detail
	d.at = max(0, min(d.at+n, len(d.rows)-1))
	d.scroll = widget.Scroll{}
	if k := len(p.base.back); k > 0 && p.base.back[k-1] == listMode && d.at < len(p.list.rows) {
		p.list.scroll.Move(d.at - p.list.scroll.Cursor)
	}
	return nil
}

func (p *sheet) drawDetail(size page.Size) []string {
	d := &p.rows.detail
	lines := p.base.describe(&d.rows[d.at], size.Width-2)
	height := max(1, size.Height-1)
	// The cursor of a text is its first visible line.
	d.scroll.Resize(max(1, len(lines)-height+1), 1)
	from := d.scroll.Cursor
	var out []string
	for _, l := range lines[min(from, len(lines)):min(from+height, len(lines))] {
		out = append(out, " "+l)
	}
	for len(out) < height {
		out = append(out, "")
	}
	t := p.base.env.Theme
	foot := p.base.env.T("row %s of %s", human.Count(int64(d.at+1)), human.Count(int64(len(d.rows))))
	if rest := len(lines) - from - height; rest > 0 {
		foot += " " + t.Glyph.Dot + " " + p.base.env.T("%d lines below", rest)
	}
	return append(out, t.Dim.Render(cells.Cut(" "+foot, size.Width)))
}

// describe is a whole row in lines of at most w cells: what, who, when, from
// where, the change, and everything else that the row holds.
func (p *base) describe(r *audit.Row, w int) []string {
	t, e := p.env.Theme, p.env
	style, glyph := p.actionLook(r.Get(audit.Action))
	lines := []string{
		style.Render(glyph+" "+shown(r.Get(audit.Action))) + "  " + t.Title.Render(
			shown(r.Resource()),
		) + "  " + t.Dim.Render("#"+shown(r.Name())),
		"",
	}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, wrapPair(t.Dim.Render(cells.Pad(name, 10)), value, w)...)
		}
	}
	if !r.Time.IsZero() {
		add(e.T("time"), r.Time.In(e.Zone).Format("2006-01-02 15:04:05.000")+t.Dim.Render("  "+p.ago(r.Time)))
	}
	user := shown(r.User())
	if r.Get(audit.UserName) != "" && r.Get(audit.UserID) != "" {
		user += t.Dim.Render("  #" + shown(r.Get(audit.UserID)))
	}
	add(e.T("user"), user)
	add(e.T("request"), strings.TrimSpace(shown(r.Get(audit.Method)+" "+r.Get(audit.Path))))
	add("IP", shown(r.Get(audit.IP)))
	add(e.T("agent"), shown(r.Get(audit.UserAgent)))
	add(e.T("key"), shown(r.Get(audit.Key)))
	for i, v := range r.Extra {
		add(termsafe.Line(p.src.Layout().Extra[i].Name), shown(v.Text))
	}
	lines = append(lines, "", widget.Rule(t, e.T("change"), w))
	lines = append(lines, p.diffLines(audit.Diff(r), w)...)
	for _, f := range []audit.Field{audit.Request, audit.Response} {
		if r.Has(f) {
			lines = append(lines, "", widget.Rule(t, f.String(), w))
			lines = append(lines, pretty(r.Get(f), w)...)
		}
	}
	return lines
}

// diffLines draws a change: the path, then what was in red with "-", then what
// is in green with "+".
func (p *base) diffLines(changes []audit.Change, w int) []string {
	t := p.env.Theme
	if len(changes) == 0 {
		return []string{t.Dim.Render(p.env.T("no change was recorded"))}
	}
	var out []string
	name := 0
	for _, c := range changes {
		name = max(name, cells.Width(shown(c.Path)))
	}
	name = min(name, max(8, w/3))
	for _, c := range changes {
		path := cells.Pad(shown(c.Path), name)
		old := shown(audit.Plain(c.Old))
		new := shown(audit.Plain(c.New))
		short := cells.Width(old)+cells.Width(new)+name+8 <= w
		switch {
		case c.Old == "":
			out = append(out, wrapPair(t.Added.Render("+ ")+t.Bold.Render(path)+" ", t.Added.Render(new), w)...)
		case c.New == "":
			out = append(out, wrapPair(t.Removed.Render("- ")+t.Bold.Render(path)+" ", t.Removed.Render(old), w)...)
		case short:
			out = append(
				out,
				t.Warn.Render("~ ")+t.Bold.Render(path)+" "+t.Removed.Render(old)+t.Dim.Render(
					" → ",
				)+t.Added.Render(new),
			)
		default:
			out = append(out, t.Warn.Render("~ ")+t.Bold.Render(cells.Cut(shown(c.Path), w-2)))
			out = append(out, wrapPair(t.Removed.Render("  - "), t.Removed.Render(old), w)...)
			out = append(out, wrapPair(t.Added.Render("  + "), t.Added.Render(new), w)...)
		}
	}
	return out
}

// wrapPair draws a name and a value whose further lines stand under its first.
func wrapPair(name, value string, w int) []string {
	indent := cells.Width(name)
	if indent > w-8 {
		return append([]string{cells.Cut(name, w)}, cells.Wrap(value, max(1, w))...)
	}
	var out []string
	for i, l := range cells.Wrap(value, w-indent) {
		if i > 0 {
			name = strings.Repeat(" ", indent)
		}
		out = append(out, name+l)
	}
	return out
}

// maxPretty is how many lines of a JSON value are laid out.
const maxPretty = 400

// pretty lays JSON out; other text is wrapped.
func pretty(text string, w int) []string {
	text = audit.Mask(text)
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") == nil {
		text = b.String()
	}
	var out []string
	for _, l := range strings.Split(termsafe.Text(text), "\n") {
		out = append(out, cells.Wrap(l, w)...)
		if len(out) > maxPretty {
			return append(out[:maxPretty], "…")
		}
	}
	return out
}

// ago is how long before the console's clock a moment was.
func (p *base) ago(at time.Time) string {
	d := p.env.Clock.Now().Sub(at)
	if d < 0 {
		return p.env.T("in %s", human.Duration(-d))
	}
	return p.env.T("%s ago", human.Duration(d.Truncate(time.Second)))
}
