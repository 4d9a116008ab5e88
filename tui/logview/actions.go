package logview

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// setIncident makes the moment of the event the console's.
func (p *Page) setIncident() tea.Cmd {
	at := p.detail.event.Time
	if r, ok := p.current(); p.mode == listMode && ok {
		at = r.Event.Time
	}
	p.incident = at
	return tea.Batch(
		page.Send(page.Incident{At: at}),
		page.Send(
			page.Notice{
				State: ops.StateOK,
				Text:  lang.M("the incident is at %s; every tab goes there", p.env.Time(at)),
			},
		),
	)
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

func (p *Page) selectFrom() tea.Cmd {
	r, _ := p.current()
	if p.from != (store.RowID{}) {
		p.from = store.RowID{}
		return nil
	}
	p.leaveEnd()
	p.from, p.fromAt = r.ID, r.Event.Time
	return nil
}

// copyMost bounds how many rows are copied at once.
const copyMost = 20_000

// copyLines copies the selection, of which more may be selected than is loaded,
// or the line under the cursor.
func (p *Page) copyLines() tea.Cmd {
	r, _ := p.current()
	if p.from == (store.RowID{}) || p.byRank() {
		from, to := p.selection()
		var lines []string
		for _, r := range p.rows[from : to+1] {
			lines = append(lines, line.Mask(r.Event.Raw))
		}
		p.from = store.RowID{}
		return page.Send(page.Copy{Text: strings.Join(lines, "\n")})
	}
	source, from, to := p.source, p.from, r.ID
	p.from = store.RowID{}
	return func() tea.Msg {
		lines, whole := source.Between(from, to, copyMost)
		for i := range lines {
			lines[i] = line.Mask(lines[i])
		}
		if !whole {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("more than %d rows are selected: write them to a file with w", copyMost),
			}
		}
		return send(copyMsg{strings.Join(lines, "\n")})
	}
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
		return send(copyMsg{line.Mask(e.Raw)})
	}
}

// askExport asks for the form.
func (p *Page) askExport() tea.Cmd {
	if p.o.Export == nil {
		return nil
	}
	what := lang.M(
		"All %d rows that are shown are written, with passwords, tokens, cookies, phone and ID numbers masked.",
		p.stats.Rows,
	)
	export := func(ndjson bool) func() tea.Cmd {
		return func() tea.Cmd { return p.export(ndjson) }
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.env, lang.M("Export"), []lang.Msg{what}, false,
		widget.Choice{Key: "t", Label: lang.M("as text"), Run: export(false)},
		widget.Choice{Key: "j", Label: lang.M("as NDJSON"), Run: export(true)})})
}

func (p *Page) export(ndjson bool) tea.Cmd {
	run, q, ctx := p.o.Export, *p.asked, p.env.Ctx
	if !p.filter {
		q = query.Query{} // all events are shown
	}
	p.writing = true
	return func() tea.Msg {
		path, n, err := run(ctx, &q, ndjson)
		return send(exportMsg{path, n, err})
	}
}

func (p *Page) exported(m exportMsg) tea.Cmd {
	p.writing = false
	if m.err != nil && m.err != context.Canceled {
		return page.Send(
			page.Notice{State: ops.StateCritical, Text: lang.M("the export failed: %s", lang.Raw(m.err.Error()))},
		)
	}
	room := p.size.Width - cells.Width(p.env.T("%d events written to %s", m.n, "")) - 5
	return page.Send(
		page.Notice{
			State: ops.StateOK,
			Text:  lang.M("%d events written to %s", m.n, cells.CutLeft(m.path, max(room, 16))),
		},
	)
}
