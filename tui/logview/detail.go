package logview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// detail is an event opened.
type detail struct {
	id    store.RowID
	event logs.Event
	ok    bool
	raw   bool
	top   int
	lines int
}

func (d *detail) scroll(key string, height int) {
	step := max(1, height-3)
	switch key {
	case "up", "k":
		d.top--
	case "down", "j":
		d.top++
	case "pgup", "ctrl+b":
		d.top -= step
	case "pgdown", "ctrl+f", " ":
		d.top += step
	case "home", "g":
		d.top = 0
	case "end", "G":
		d.top = d.lines
	}
	d.top = max(0, min(d.top, d.lines-step))
}

func (p *Page) detailActions() []page.Action {
	step := func(n int) func() tea.Cmd { return func() tea.Cmd { return p.feed.step(n) } }
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "enter", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { p.look.mode = listMode; return p.feed.load() },
		},
		{
			ID:     "logs.nextevent",
			Keys:   []string{"right", "n"},
			Label:  lang.M("next"),
			Help:   lang.M("the next event"),
			Footer: true,
			Run:    step(1),
		},
		{
			ID:     "logs.previousevent",
			Keys:   []string{"left", "N"},
			Label:  lang.M("previous"),
			Help:   lang.M("the previous event"),
			Footer: true,
			Run:    step(-1),
		},
		{
			ID:    "logs.query",
			Keys:  []string{"/"},
			Label: lang.M("search"),
			Help:  lang.M("back to the list, to search"),
			Run:   p.finder.edit,
		},
		{
			ID:     "logs.raw",
			Keys:   []string{"r"},
			Label:  lang.M("raw"),
			Help:   lang.M("the lines as they are in the file"),
			Footer: true,
			Run:    func() tea.Cmd { p.sheet.detail.raw = !p.sheet.detail.raw; p.sheet.detail.top = 0; return nil },
		},
		{
			ID:     "logs.field",
			Keys:   []string{"f", "+"},
			Label:  lang.M("by field"),
			Help:   lang.M("search for a field of the event"),
			Footer: true,
			Off:    p.sheet.noField,
			Run:    p.askField(false),
		},
		{
			ID:    "logs.fieldout",
			Keys:  []string{"x", "-"},
			Label: lang.M("without field"),
			Help:  lang.M("exclude events that have the value of a field"),
			Off:   p.sheet.noField,
			Run:   p.askField(true),
		},
		{
			ID:     "logs.copyevent",
			Keys:   []string{"y", "Y"},
			Label:  lang.M("copy"),
			Help:   lang.M("copy the whole event, with secrets masked"),
			Footer: true,
			Run:    p.copyEvent,
		},
		{
			ID:    "logs.critical",
			Keys:  []string{"c"},
			Label: lang.M("critical"),
			Help:  lang.M("to the next error that needs immediate action"),
			Run:   func() tea.Cmd { return p.feed.jump(store.MarkCritical, true) },
		},
		{
			ID:     "logs.incident",
			Keys:   []string{"@"},
			Label:  lang.M("incident"),
			Help:   lang.M("mark this time as the incident: every tab shows it"),
			Footer: true,
			Off:    p.list.noTime,
			Run:    p.setIncident,
		},
	}
}

func (p *feed) openCurrent() tea.Cmd {
	r, ok := p.list.current()
	if !ok {
		return nil
	}
	p.list.leaveEnd()
	return p.open(r.ID)
}

// open reads the whole event.
func (p *feed) open(id store.RowID) tea.Cmd {
	source := p.source
	return func() tea.Msg {
		e, ok := source.Event(id)
		return send(eventMsg{id, e, ok})
	}
}

func (p *Page) openEvent(m eventMsg) {
	p.look.mode = detailMode
	p.sheet.detail = detail{id: m.id, event: m.event, ok: m.ok, raw: p.sheet.detail.raw}
}

// step opens the event after or before in the list.
func (p *feed) step(n int) tea.Cmd {
	cmd := p.move(n)
	if r, ok := p.list.current(); ok {
		return tea.Batch(cmd, p.open(r.ID))
	}
	return cmd
}

func (p *sheet) viewDetail(size page.Size) string {
	lines := p.detailLines(size.Width)
	p.detail.lines = len(lines)
	h := size.Height - 1
	p.detail.top = max(0, min(p.detail.top, len(lines)-h))
	to := min(len(lines), p.detail.top+h)
	out := append([]string{}, lines[p.detail.top:to]...)
	for len(out) < h {
		out = append(out, "")
	}
	foot := ""
	if to < len(lines) || p.detail.top > 0 {
		foot = p.look.ink.dim.Paint(p.look.env.T(" lines %d–%d of %d", p.detail.top+1, to, len(lines)))
	}
	return widget.Fill(append(out, foot), size)
}

func (p *sheet) detailLines(width int) []string {
	if !p.detail.ok {
		return []string{" " + p.look.ink.dim.Paint(p.look.env.T("(no longer available: the file was truncated)"))}
	}
	e := p.detail.event
	cut := p.look.cutOf(e, width)
	if p.detail.raw {
		return append(cut, wrapAll(termsafe.Text(stripColours(e.Raw)), width-1, " ")...)
	}
	return append(cut, p.eventLines(e, width)...)
}

// cutOf says first of an event that is too long to be shown that its end is missing.
func (p *look) cutOf(e logs.Event, width int) (out []string) {
	if e.More == 0 {
		return nil
	}
	said := p.env.T("this event is longer: its last %s are not shown or copied here; to print all of it: %s",
		human.Bytes(e.More), "opsdeck logs --raw")
	for _, l := range cells.Wrap(said, max(1, width-4)) {
		out = append(out, " "+p.ink.warn.Paint(p.env.Theme.Glyph.Warn+" "+l))
	}
	return append(out, "")
}

// eventLines lay an event out.
func (p *sheet) eventLines(e logs.Event, width int) []string {
	out := p.summary(e, width)
	out = append(out, "")
	for _, l := range cells.Wrap(p.ask.highlight(e.Message, 1<<16, nil), max(1, width-2)) {
		out = append(out, " "+l)
	}
	out = append(out, p.look.messageJSON(&e, width)...)
	if len(e.Fields) > 0 {
		out = append(out, "", p.look.rule(p.look.env.T("fields"), width))
		for _, f := range e.Fields {
			out = append(out, p.look.field(f, width)...)
		}
	}
	if rest := e.Rest(); rest != "" {
		out = append(out, "", p.look.rule(p.look.env.T("further lines"), width))
		out = append(out, p.look.stack(rest, width)...)
	}
	return out
}

func (p *look) rule(title string, width int) string {
	return widget.Rule(p.env.Theme, title, width)
}

// summary are the things that every event has.
func (p *sheet) summary(e logs.Event, width int) []string {
	where := termsafe.Line(e.Source)
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	when := p.look.env.T("no time known")
	if !e.Time.IsZero() {
		when = e.Time.In(p.look.env.Zone).Format("2006-01-02 15:04:05.000 MST")
	}
	level := p.look.ink.level[e.Level].Paint(e.Level.String())
	lines := stripColours(e.Raw)
	if which, ok := line.Critical(lines); ok {
		level += "  " + p.look.ink.crit.Paint(
			p.look.env.Theme.Glyph.Crit+" "+p.look.env.T("needs immediate action"),
		) + p.look.ink.dim.Paint(" ("+which+")")
	} else if ms := line.Took([]byte(lines)); ms >= line.SlowMS {
		level += "  " + p.look.ink.warn.Paint(p.look.env.Theme.Glyph.Warn+" "+p.look.env.T("slow: %d ms", ms))
	}
	out := []string{
		p.look.pair(p.look.env.T("time"), p.look.ink.bold.Paint(when), width),
		p.look.pair(p.look.env.T("level"), level, width),
	}
	if e.Context != "" {
		out = append(out, p.look.pair(p.look.env.T("context"), p.look.ink.info.Paint(termsafe.Line(e.Context)), width))
	}
	if i := slices.IndexFunc(p.book.marks, bookmarkOf(store.Row{Event: e}).is); i >= 0 && p.book.marks[i].Note != "" {
		note := p.look.ink.info.Paint(termsafe.Line(p.book.marks[i].Note))
		out = append(out, p.look.pair(p.look.env.T("note"), note, width))
	}
	return append(out, p.look.pair(p.look.env.T("where"), cells.CutLeft(where, max(8, width-12)), width),
		p.look.pair(p.look.env.T("format"), e.Format.String(), width))
}

func (p *look) pair(name, value string, width int) string {
	return cells.Cut(" "+p.ink.dim.Paint(cells.Pad(name, 9))+" "+value, width)
}

// field is a name and its value; JSON is laid out.
func (p *look) field(f logs.Field, width int) []string {
	name := p.ink.accent.Paint(termsafe.Line(f.Key))
	text := f.Text()
	if f.JSON && (strings.HasPrefix(f.Value, "{") || strings.HasPrefix(f.Value, "[")) {
		var b bytes.Buffer
		if json.Indent(&b, []byte(f.Value), "", "  ") == nil {
			text = b.String()
		}
	}
	text = termsafe.Text(text)
	if !strings.Contains(text, "\n") && cells.Width(text)+cells.Width(f.Key)+3 <= width {
		return []string{" " + name + " " + text}
	}
	out := []string{" " + name}
	if isStack(text) {
		return append(out, p.stack(text, width)...)
	}
	// A stack inside the JSON is laid out too.
	for _, line := range strings.Split(text, "\n") {
		if i := strings.Index(line, `\n    at `); i >= 0 {
			parts := strings.Split(strings.TrimRight(line, `",`), `\n`)
			out = append(out, "   "+cells.Cut(parts[0], width-4))
			out = append(out, p.stack(strings.Join(parts[1:], "\n"), width)...)
			continue
		}
		out = append(out, wrapAll(line, width-4, "   ")...)
	}
	return out
}

func isStack(text string) bool { return strings.Contains(text, "\n    at ") }

// stack draws a stack trace: the project's own frames bright, others dim.
func (p *look) stack(text string, width int) (out []string) {
	for _, line := range strings.Split(stripColours(text), "\n") {
		safe := termsafe.Line(line)
		frame := strings.HasPrefix(strings.TrimSpace(line), "at ")
		foreign := strings.Contains(line, "node_modules") || strings.Contains(line, "node:internal") ||
			strings.Contains(line, "(internal/") ||
			strings.Contains(line, "<anonymous>")
		for _, l := range wrapAll(safe, width-2, " ") {
			switch {
			case frame && foreign:
				l = p.ink.dim.Paint(l)
			case frame:
				l = p.ink.bold.Paint(l)
			}
			out = append(out, l)
		}
	}
	return out
}

func stripColours(s string) string { return string(line.Visible([]byte(s), nil)) }

// wrapAll wraps every line of a safe text, each with an indent.
func wrapAll(text string, width int, indent string) (out []string) {
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			out = append(out, "")
			continue
		}
		for _, l := range cells.Wrap(line, max(1, width)) {
			out = append(out, indent+l)
		}
	}
	return out
}
