package logview

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// setIncident makes the moment of the event the console's.
func (p *Page) setIncident() tea.Cmd {
	at := p.sheet.detail.event.Time
	if r, ok := p.list.current(); p.look.mode == listMode && ok {
		at = r.Event.Time
	}
	p.look.incident = at
	return tea.Batch(
		page.Send(page.Incident{At: at}),
		page.Send(
			page.Notice{
				State: ops.StateOK,
				Text:  lang.M("the incident is at %s; every tab shows it", p.look.env.Time(at)),
			},
		),
	)
}

// zoomFactor is how much shorter a zoomed timeline is.
const zoomFactor = 4

func (p *feed) zoomIn() tea.Cmd {
	r, ok := p.list.current()
	if !ok || p.tally.line.From.IsZero() {
		return nil
	}
	width := p.tally.line.To.Sub(p.tally.line.From) / zoomFactor
	if width < 100*time.Millisecond {
		return nil
	}
	from := r.Event.Time.Add(-width / 2)
	if last := p.tally.line.To.Add(-width); from.After(last) { // nothing is after the end
		from = last
	}
	if from.Before(p.tally.line.From) {
		from = p.tally.line.From
	}
	p.tally.zoom = append(p.tally.zoom, span{from, from.Add(width)})
	return p.count(true)
}

func (p *feed) zoomOut() tea.Cmd {
	if n := len(p.tally.zoom); n > 0 {
		p.tally.zoom = p.tally.zoom[:n-1]
	}
	return p.count(true)
}

func (p *Page) selectFrom() tea.Cmd {
	r, _ := p.list.current()
	if p.list.from != (store.RowID{}) {
		p.list.from = store.RowID{}
		return nil
	}
	p.list.leaveEnd()
	p.list.from, p.list.fromAt = r.ID, r.Event.Time
	return nil
}

// copyMost bounds how many rows are copied at once.
const copyMost = 20_000

// copyLines copies the selection, of which more may be selected than is loaded,
// or the line under the cursor.
func (p *Page) copyLines() tea.Cmd {
	r, _ := p.list.current()
	if p.list.from == (store.RowID{}) || p.ask.byRank() {
		from, to := p.list.selection()
		var lines []string
		for _, r := range p.list.rows[from : to+1] {
			lines = append(lines, line.Mask(r.Event.Raw))
		}
		p.list.from = store.RowID{}
		return page.Send(page.Copy{Text: strings.Join(lines, "\n")})
	}
	source := p.feed.source
	from := p.list.from
	to := r.ID
	p.list.from = store.RowID{}
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
	id := p.sheet.detail.id
	if r, ok := p.list.current(); p.look.mode == listMode && ok {
		id = r.ID
	}
	source := p.feed.source
	return func() tea.Msg {
		e, ok := source.Event(id)
		if !ok {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("the event no longer exists: its file was truncated"),
			}
		}
		return send(copyMsg{line.Mask(e.Raw)})
	}
}

// askExport asks for the form.
func (p *Page) askExport() tea.Cmd {
	if p.look.o.Export == nil {
		return nil
	}
	what := lang.M("All %s shown rows will be written, with passwords, tokens, cookies, phone and ID numbers masked.",
		human.Count(int64(p.tally.stats.Rows)))
	export := func(ndjson bool) func() tea.Cmd {
		return func() tea.Cmd { return p.export(ndjson) }
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.look.env, lang.M("Export"), []lang.Msg{what}, false,
		widget.Choice{Key: "t", Label: lang.M("as text"), Run: export(false)},
		widget.Choice{Key: "j", Label: lang.M("as NDJSON"), Run: export(true)})})
}

func (p *Page) export(ndjson bool) tea.Cmd {
	run := p.look.o.Export
	q := *p.ask.asked
	ctx := p.look.env.Ctx
	if !p.ask.filter {
		q = p.kept.bare() // all events are shown
	}
	p.heading.writing = true
	return func() tea.Msg {
		path, n, err := run(ctx, &q, ndjson)
		return send(exportMsg{path, n, err})
	}
}

func (p *Page) exported(m exportMsg) tea.Cmd {
	p.heading.writing = false
	if m.err != nil && m.err != context.Canceled {
		return page.Send(
			page.Notice{State: ops.StateCritical, Text: lang.M("the export failed: %s", lang.Raw(m.err.Error()))},
		)
	}
	room := p.look.size.Width - cells.Width(p.look.env.T("%d events written to %s", m.n, "")) - 5
	return page.Send(
		page.Notice{
			State: ops.StateOK,
			Text:  lang.M("%d events written to %s", m.n, cells.CutLeft(m.path, max(room, 16))),
		},
	)
}
