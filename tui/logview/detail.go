package logview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/cells"
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
	step := func(n int) func() tea.Cmd { return func() tea.Cmd { return p.step(n) } }
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "enter", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { p.mode = listMode; return p.load() },
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
			Help:   lang.M("the event before"),
			Footer: true,
			Run:    step(-1),
		},
		{
			ID:     "logs.raw",
			Keys:   []string{"r"},
			Label:  lang.M("raw"),
			Help:   lang.M("the lines as they stand in the file"),
			Footer: true,
			Run:    func() tea.Cmd { p.detail.raw = !p.detail.raw; p.detail.top = 0; return nil },
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
			Help:  lang.M("to the next error that needs a person at once"),
			Run:   func() tea.Cmd { return p.jump(store.MarkCritical, true) },
		},
		{
			ID:     "logs.incident",
			Keys:   []string{"@"},
			Label:  lang.M("incident"),
			Help:   lang.M("make this moment the incident: every tab goes there"),
			Footer: true,
			Off:    p.noTime,
			Run:    p.setIncident,
		},
	}
}

func (p *Page) openCurrent() tea.Cmd {
	r, ok := p.current()
	if !ok {
		return nil
	}
	p.leaveEnd()
	return p.open(r.ID)
}

// open reads the whole event.
func (p *Page) open(id store.RowID) tea.Cmd {
	source := p.source
	return func() tea.Msg {
		e, ok := source.Event(id)
		return send(eventMsg{id, e, ok})
	}
}

func (p *Page) openEvent(m eventMsg) {
	p.mode = detailMode
	p.detail = detail{id: m.id, event: m.event, ok: m.ok, raw: p.detail.raw}
}

// step opens the event after or before in the list.
func (p *Page) step(n int) tea.Cmd {
	cmd := p.move(n)
	if r, ok := p.current(); ok {
		return tea.Batch(cmd, p.open(r.ID))
	}
	return cmd
}

func (p *Page) viewDetail(size page.Size) string {
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
		foot = p.ink.dim.Paint(p.env.T(" lines %d–%d of %d", p.detail.top+1, to, len(lines)))
	}
	return widget.Fill(append(out, foot), size)
}

func (p *Page) detailLines(width int) []string {
	if !p.detail.ok {
		return []string{" " + p.ink.dim.Paint(p.env.T("(gone: the file was truncated)"))}
	}
	e := p.detail.event
	if p.detail.raw {
		return wrapAll(termsafe.Text(stripColours(e.Raw)), width-1, " ")
	}
	return p.eventLines(e, width)
}

// eventLines lay an event out.
func (p *Page) eventLines(e logs.Event, width int) []string {
	out := p.summary(e, width)
	out = append(out, "")
	for _, l := range cells.Wrap(p.highlight(e.Message, 1<<16), max(1, width-2)) {
		out = append(out, " "+l)
	}
	if len(e.Fields) > 0 {
		out = append(out, "", p.rule(p.env.T("fields"), width))
		for _, f := range e.Fields {
			out = append(out, p.field(f, width)...)
		}
	}
	if rest := e.Rest(); rest != "" {
		out = append(out, "", p.rule(p.env.T("further lines"), width))
		out = append(out, p.stack(rest, width)...)
	}
	return out
}

func (p *Page) rule(title string, width int) string {
	return widget.Rule(p.env.Theme, title, width)
}

// summary are the things that every event has.
func (p *Page) summary(e logs.Event, width int) []string {
	where := termsafe.Line(e.Source)
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	when := p.env.T("no time known")
	if !e.Time.IsZero() {
		when = e.Time.In(p.env.Zone).Format("2006-01-02 15:04:05.000 MST")
	}
	level := p.ink.level[e.Level].Paint(e.Level.String())
	lines := stripColours(e.Raw)
	if which, ok := line.Critical(lines); ok {
		level += "  " + p.ink.crit.Paint(
			p.env.Theme.Glyph.Crit+" "+p.env.T("needs a person at once"),
		) + p.ink.dim.Paint(
			" ("+which+")",
		)
	} else if ms := line.Took([]byte(lines)); ms >= line.SlowMS {
		level += "  " + p.ink.warn.Paint(p.env.Theme.Glyph.Warn+" "+p.env.T("slow: %d ms", ms))
	}
	out := []string{p.pair(p.env.T("time"), p.ink.bold.Paint(when), width), p.pair(p.env.T("level"), level, width)}
	if e.Context != "" {
		out = append(out, p.pair(p.env.T("context"), p.ink.info.Paint(termsafe.Line(e.Context)), width))
	}
	if i := slices.IndexFunc(p.marks, bookmarkOf(store.Row{Event: e}).is); i >= 0 && p.marks[i].Note != "" {
		out = append(out, p.pair(p.env.T("note"), p.ink.info.Paint(termsafe.Line(p.marks[i].Note)), width))
	}
	return append(
		out,
		p.pair(p.env.T("where"), cells.CutLeft(where, max(8, width-12)), width),
		p.pair(p.env.T("format"), e.Format.String(), width),
	)
}

func (p *Page) pair(name, value string, width int) string {
	return cells.Cut(" "+p.ink.dim.Paint(cells.Pad(name, 9))+" "+value, width)
}

// field is a name and its value; JSON is laid out.
func (p *Page) field(f logs.Field, width int) []string {
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
func (p *Page) stack(text string, width int) (out []string) {
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
