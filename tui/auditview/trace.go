package auditview

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// trace is a resource's life, oldest first.
type trace struct {
	reading
	kind, id string
	data     audit.Trace
	open     map[int]bool // rows whose diffs are unfolded
	scroll   widget.Scroll
}

func (t *trace) current() *audit.Row {
	if t.scroll.Cursor < len(t.data.Timeline) {
		return &t.data.Timeline[t.scroll.Cursor]
	}
	return nil
}

type traceMsg struct {
	data audit.Trace
	err  error
}

// follow opens the life of the current row's resource, at that row.
func (p *Page) follow(leave bool) tea.Cmd {
	if r := p.rows.current(); r != nil && !leave {
		p.story.trace.kind, p.story.trace.id = r.Get(audit.ResourceType), r.Get(audit.ResourceID)
	}
	t := &p.story.trace
	ctx, gen, wait, report, end := t.begin(p.base.env.Ctx, traceMode)
	t.data = audit.Trace{}
	t.open = map[int]bool{}
	t.scroll = widget.Scroll{}
	src := p.base.src
	kind := t.kind
	rid := t.id
	p.base.enter(traceMode)
	return tea.Batch(wait, func() tea.Msg {
		defer end()
		data, err := src.Trace(ctx, kind, rid, leave, report)
		return page.Msg{To: id, Gen: gen, Body: traceMsg{data, err}}
	})
}

// traced shows a life, at the row that it was asked for from.
func (p *rows) traced(m traceMsg) {
	t := &p.story.trace
	if !t.answered(m.err) {
		return
	}
	t.data = m.data
	t.scroll.Resize(len(m.data.Timeline), 1)
	for i := range m.data.Timeline {
		if p.list.scroll.Cursor < len(p.list.rows) &&
			m.data.Timeline[i].Pos() == p.list.rows[p.list.scroll.Cursor].Pos() {
			t.scroll.Move(i)
		}
	}
}

func (p *story) fold() tea.Cmd {
	t := &p.trace
	t.open[t.scroll.Cursor] = !t.open[t.scroll.Cursor]
	return nil
}

func (p *story) foldAll() tea.Cmd {
	t := &p.trace
	unfold := len(t.open) == 0
	t.open = map[int]bool{}
	for i := range t.data.Timeline {
		if unfold {
			t.open[i] = true
		}
	}
	return nil
}

func (p *story) drawTrace(size page.Size) []string {
	t := &p.trace
	look := p.base.env.Theme
	e := p.base.env
	name := shown(t.kind + ":" + t.id)
	lines := []string{" " + look.Title.Render(name) + "  " + p.traceSpan()}
	if instead, ok := p.base.drawReading(&t.reading, lang.M("reading the resource's rows …"), size); ok {
		return append(lines, instead...)
	}
	if len(t.data.Timeline) == 0 {
		return append(lines, "", "  "+look.Dim.Render(e.T("no rows")))
	}
	if size.Height >= 12 {
		lines = append(lines, p.traceCounts(size.Width)...)
	}
	lines = append(lines, p.timeline(page.Size{Width: size.Width, Height: size.Height - len(lines)})...)
	return lines
}

func (p *story) traceSpan() string {
	s, e := p.trace.data.Summary, p.base.env
	if s.Rows == 0 || s.First.IsZero() {
		return ""
	}
	text := e.T("%s rows in %s", human.Count(s.Rows), human.Duration(s.Last.Sub(s.First)))
	if s.Rows == 1 {
		text = e.T("one row")
	}
	if s.Cut {
		text += ", " + e.T("the oldest only")
	}
	return e.Theme.Dim.Render(text)
}

// traceCounts are the numbers of the life: when, what, who.
func (p *story) traceCounts(w int) []string {
	s := p.trace.data.Summary
	e := p.base.env
	t := p.base.env.Theme
	pair := func(name, value string) string { return " " + t.Dim.Render(cells.Pad(name, 8)) + value }
	var actions []string
	for _, c := range s.ByAction {
		style, glyph := p.base.actionLook(c.Value)
		actions = append(actions, style.Render(glyph+" "+shown(c.Value))+t.Dim.Render(" × "+human.Count(c.Rows)))
	}
	var users []string
	for _, c := range s.ByUser {
		users = append(users, shown(countName(c))+t.Dim.Render(" × "+human.Count(c.Rows)))
	}
	lines := []string{
		pair(e.T("time"), fmt.Sprintf("%s → %s", e.Time(s.First), e.Time(s.Last))),
		pair(e.T("actions"), strings.Join(actions, "  ")),
		pair(e.T("users"), strings.Join(users, "  ")),
		widget.Rule(t, "", w),
	}
	for i := range lines {
		lines[i] = cells.Cut(lines[i], w)
	}
	return lines
}

func countName(c audit.Count) string {
	switch {
	case c.Label != "":
		return c.Label
	case c.Value == "":
		return "-"
	}
	return c.Value
}

// timeline draws the rows around the cursor, gaps between them, and diffs of
// unfolded ones. Lines and rows differ, so it draws from the top row on and
// moves the top until the cursor's row is in sight.
func (p *story) timeline(size page.Size) []string {
	t := &p.trace
	t.scroll.Resize(len(t.data.Timeline), max(1, size.Height))
	for top := t.scroll.Top; ; top++ {
		lines, shownAll := p.timelineFrom(top, size)
		if shownAll || top >= t.scroll.Cursor {
			return lines
		}
	}
}

func (p *story) timelineFrom(top int, size page.Size) (lines []string, whole bool) {
	t := &p.trace
	for i := top; i < len(t.data.Timeline) && len(lines) < size.Height; i++ {
		if i > top {
			lines = append(lines, p.gapLine(i, size.Width)...)
		}
		lines = append(lines, p.traceRow(i, size.Width)...)
		if i == t.scroll.Cursor && len(lines) <= size.Height {
			whole = true
		}
	}
	return lines[:min(len(lines), size.Height)], whole
}

// gapLine tells of a long silence before a row.
func (p *story) gapLine(i int, w int) []string {
	t := p.base.env.Theme
	at := p.trace.data.Timeline[i].Time
	for _, g := range p.trace.data.Summary.Gaps {
		if g.Before.Equal(at) && g.After.Equal(p.trace.data.Timeline[i-1].Time) {
			return []string{
				cells.Cut(
					"   "+t.Rule.Render("┆")+" "+
						t.Dim.Render(p.base.env.T("nothing for %s", human.Duration(g.Length))),
					w,
				),
			}
		}
	}
	return nil
}

func (p *story) traceRow(i, w int) []string {
	t := p.base.env.Theme
	r := &p.trace.data.Timeline[i]
	selected := i == p.trace.scroll.Cursor
	changes := audit.Diff(r)
	mark := " "
	if len(changes) > 0 {
		mark = t.Glyph.Fold
		if p.trace.open[i] {
			mark = t.Glyph.Open
		}
	}
	style, glyph := p.base.actionLook(r.Get(audit.Action))
	when := cells.Pad(p.base.clock(r, w), p.clockWidth(w))
	user := cells.Pad(shown(r.User()), min(12, w/6))
	action := cells.Pad(glyph+" "+shown(r.Get(audit.Action)), 10)
	brief := ""
	if !p.trace.open[i] {
		brief = shown(audit.Brief(changes, 4))
	}
	var out []string
	if selected {
		out = append(out, widget.SelectedRow(t, strings.Join([]string{mark, when, action, user, brief}, " "), w))
	} else {
		parts := []string{t.Dim.Render(mark), when, style.Render(action), user, p.base.arrows(brief)}
		out = append(out, " "+cells.Cut(strings.Join(parts, " "), w-1))
	}
	if p.trace.open[i] {
		for _, l := range p.base.diffLines(changes, w-6) {
			out = append(out, "    "+t.Rule.Render(t.Glyph.VRule)+" "+l)
		}
	}
	return out
}

// clockWidth is the room for the times of a life. Its first one takes the most,
// but for the narrowest screens, where that has only a date.
func (p *story) clockWidth(w int) int {
	first := cells.Width(p.base.clock(&audit.Row{Time: p.trace.data.Summary.First}, w))
	if first == len(time.DateOnly) {
		first++
	}
	return first
}

// jump sets the console's moment to the current row's and opens the logs there.
func (p *rows) jump() tea.Cmd {
	r := p.current()
	if r == nil || r.Time.IsZero() {
		return page.Send(page.Notice{State: ops.StateWarning, Text: lang.M("the row has no time")})
	}
	return tea.Sequence(page.Send(page.Incident{At: r.Time}), page.Send(page.Goto{Page: "logs"}))
}

// around shows the rows around the console's moment of interest.
func (p *editor) around() tea.Cmd {
	const span = 10 * time.Minute
	from := p.base.at.Add(-span)
	till := p.base.at.Add(span)
	cmd := p.ask(fmt.Sprintf("since:%s until:%s", from.In(p.base.env.Zone).Format(time.RFC3339),
		till.In(p.base.env.Zone).Format(time.RFC3339)))
	p.rows.list.seek = p.base.at
	return cmd
}
