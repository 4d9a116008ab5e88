package logview

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// setIncident makes the moment of the event the console's.
func (p *Page) setIncident() tea.Cmd {
	at := p.detail.event.Time
	if r, ok := p.current(); p.mode == listMode && ok {
		at = r.Event.Time
	}
	p.incident = at
	return tea.Batch(page.Send(page.Incident{At: at}), page.Send(page.Notice{State: ops.StateOK, Text: lang.M("the incident is at %s; every tab goes there", p.env.Time(at))}))
}

// zoomFactor is how much shorter a zoomed timeline is.
const zoomFactor = 4

func (p *Page) zoomIn() tea.Cmd {
	r, ok := p.current()
	if !ok || p.line.From.IsZero() {
		return nil
	}
	width := p.line.To.Sub(p.line.From) / zoomFactor
	if width < 100*time.Millisecond {
		return nil
	}
	from := r.Event.Time.Add(-width / 2)
	p.zoom = append(p.zoom, span{from, from.Add(width)})
	return p.count(true)
}

func (p *Page) zoomOut() tea.Cmd {
	if n := len(p.zoom); n > 0 {
		p.zoom = p.zoom[:n-1]
	}
	return p.count(true)
}

func (p *Page) bookmark() tea.Cmd {
	r, _ := p.current()
	if p.marked(r.ID) {
		delete(p.marks, r.ID)
		p.order = slices.DeleteFunc(p.order, func(id logs.RowID) bool { return id == r.ID })
		return nil
	}
	p.marks[r.ID] = r
	p.order = append(p.order, r.ID)
	slices.SortStableFunc(p.order, func(a, b logs.RowID) int { return p.marks[a].Event.Time.Compare(p.marks[b].Event.Time) })
	return nil
}

// nextBookmark goes to the bookmark after the cursor, and round.
func (p *Page) nextBookmark() tea.Cmd {
	r, _ := p.current()
	next := p.order[0]
	for _, id := range p.order {
		if p.marks[id].Event.Time.After(r.Event.Time) {
			next = id
			break
		}
	}
	p.leaveEnd()
	p.want = wish{true, logs.Place{Row: next}, p.listHeight() / 3}
	return p.load()
}

func (p *Page) selectFrom() tea.Cmd {
	r, _ := p.current()
	if p.from != (logs.RowID{}) {
		p.from = logs.RowID{}
		return nil
	}
	p.leaveEnd()
	p.from = r.ID
	return nil
}

// copyLines copies the selection, or the line under the cursor.
func (p *Page) copyLines() tea.Cmd {
	from, to := p.cur, p.cur
	if p.from != (logs.RowID{}) {
		from, to = p.selection()
	}
	var lines []string
	for _, r := range p.rows[from : to+1] {
		lines = append(lines, logs.Mask(r.Event.Raw))
	}
	p.from = logs.RowID{}
	return page.Send(page.Copy{Text: strings.Join(lines, "\n")})
}

func (p *Page) copyEvent() tea.Cmd {
	id := p.detail.id
	if r, ok := p.current(); p.mode == listMode && ok {
		id = r.ID
	}
	source := p.source
	return func() tea.Msg {
		e, ok := source.Event(id)
		if !ok {
			return page.Notice{State: ops.StateWarning, Text: lang.M("the event is gone: its file was truncated")}
		}
		return send(copyMsg{logs.Mask(e.Raw)})
	}
}

// askExport asks for the form.
func (p *Page) askExport() tea.Cmd {
	if p.o.Export == nil {
		return nil
	}
	what := lang.M("All %d rows that are shown are written, with passwords, tokens, cookies, phone and ID numbers masked.", p.stats.Rows)
	export := func(ndjson bool) func() tea.Cmd {
		return func() tea.Cmd { return p.export(ndjson) }
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.env, lang.M("Export"), []lang.Msg{what}, false,
		widget.Choice{Key: "t", Label: lang.M("as text"), Run: export(false)},
		widget.Choice{Key: "j", Label: lang.M("as NDJSON"), Run: export(true)})})
}

func (p *Page) export(ndjson bool) tea.Cmd {
	run, q, ctx := p.o.Export, *p.asked, p.env.Ctx
	return func() tea.Msg {
		path, n, err := run(ctx, &q, ndjson)
		return send(exportMsg{path, n, err})
	}
}

func (p *Page) exported(m exportMsg) tea.Cmd {
	if m.err != nil && m.err != context.Canceled {
		return page.Send(page.Notice{State: ops.StateCritical, Text: lang.M("the export failed: %s", lang.Raw(m.err.Error()))})
	}
	return page.Send(page.Notice{State: ops.StateOK, Text: lang.M("%d events written to %s", m.n, m.path)})
}
