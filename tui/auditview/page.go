// Package auditview is the Audit tab: the newest rows and what changed in
// them, a query line, the life of a resource, counts. It never writes.
package auditview

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Source is what the tab reads from.
type Source interface {
	Layout() *audit.Layout
	Page(ctx context.Context, req audit.PageRequest) (audit.Page, error)
	After(ctx context.Context, f audit.Filter, top audit.Pos, limit int) ([]audit.Row, error)
	Trace(ctx context.Context, resourceType, id string, leave bool, report func(ops.Progress)) (audit.Trace, error)
	Stats(ctx context.Context, req audit.StatsRequest, leave bool, report func(ops.Progress)) (audit.Stats, error)
	Values(ctx context.Context, f audit.Field, prefix string, limit int) ([]audit.Count, error)
	Prove(ctx context.Context, share float64, report func(ops.Progress)) error
	Notes() []lang.Msg
	Close()
}

// id is the tab's address.
const id = "audit"

type mode int

const (
	listMode mode = iota
	detailMode
	traceMode
	statsMode
)

// Page is the tab.
type Page struct {
	env   *page.Env
	open  func(context.Context) (Source, error)
	src   Source
	err   error // why there is no source
	shown bool
	mode  mode
	back  []mode // where esc leads

	input   widget.Input
	editing bool
	complete
	query  string
	filter audit.Filter

	list   list
	detail detail
	trace  trace
	stats  stats
	proof  proof
	look   columns
	at     time.Time // the console's moment of interest
	opens  page.Gen
	ticks  page.Gen // of the live list's clock
}

// New makes the tab. open is called when it is first shown, off the console's
// goroutine.
func New(env *page.Env, open func(context.Context) (Source, error)) *Page {
	p := &Page{env: env, open: open, input: widget.NewInput("/ ", "")}
	p.stats.span = 1
	return p
}

// ID is the tab's address.
func (p *Page) ID() string { return id }

// Title is the tab's name.
func (p *Page) Title() lang.Msg { return lang.M("Audit") }

// Init starts nothing: the table is read when somebody looks.
func (p *Page) Init() tea.Cmd { return nil }

// Show opens the source the first time, and has the newest rows read again
// when the list stands at its top.
func (p *Page) Show() tea.Cmd {
	p.shown = true
	if p.src == nil {
		return p.connect()
	}
	if p.list.scroll.Cursor == 0 && p.list.question == nil && !p.list.loading {
		return tea.Batch(p.poll(), p.tick())
	}
	return p.tick()
}

// Hide stops the live list; a search under way goes on.
func (p *Page) Hide() {
	p.shown = false
	p.ticks.Next()
}

// Close ends the source's connection.
func (p *Page) Close() {
	p.list.stop()
	p.trace.stop()
	p.stats.stop()
	if p.src != nil {
		p.src.Close()
	}
}

// TakingText tells that the query line is being written.
func (p *Page) TakingText() bool { return p.editing }

type openedMsg struct {
	src Source
	err error
}

func (p *Page) connect() tea.Cmd {
	p.err = nil
	ctx, gen, open := p.env.Ctx, p.opens.Next(), p.open
	return func() tea.Msg {
		src, err := open(ctx)
		return page.Msg{To: id, Gen: gen, Body: openedMsg{src, err}}
	}
}

// Receive takes an answer, unless it is to a question no longer asked.
func (p *Page) Receive(m page.Msg) tea.Cmd {
	switch body := m.Body.(type) {
	case openedMsg:
		return p.opened(m.Gen, body)
	case pageMsg:
		return p.list.gen.drop(m.Gen, func() tea.Cmd { return p.loaded(body) })
	case seenMsg:
		return p.list.gen.drop(m.Gen, func() tea.Cmd { p.list.seen = body; return park(p.list.signal, m.Gen) })
	case newRowsMsg:
		return p.list.gen.drop(m.Gen, func() tea.Cmd { return p.arrived(body) })
	case tickMsg:
		if p.ticks.Is(m.Gen) && p.shown {
			return tea.Batch(p.poll(), p.tick())
		}
	case traceMsg:
		return p.trace.gen.drop(m.Gen, func() tea.Cmd { p.traced(body); return nil })
	case statsMsg:
		return p.stats.gen.drop(m.Gen, func() tea.Cmd { return p.counted(body) })
	case readingMsg:
		if body.of == traceMode {
			return p.trace.told(m.Gen, body)
		}
		return p.stats.told(m.Gen, body)
	case provingMsg:
		p.proof.progress = ops.Progress(body)
		return park(p.proof.signal, 0)
	case provedMsg:
		return p.proved(body)
	case valuesMsg:
		p.offer(body)
	}
	return nil
}

func (p *Page) opened(gen uint64, m openedMsg) tea.Cmd {
	if !p.opens.Is(gen) {
		if m.src != nil {
			return func() tea.Msg { m.src.Close(); return nil }
		}
		return nil
	}
	if p.err = m.err; m.err != nil {
		return nil
	}
	p.src = m.src
	return tea.Batch(p.reload(false), p.tick())
}

// Update takes broadcasts and what another page handed over: a query line.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case page.Incident:
		p.at = m.At
	case string:
		return p.ask(m)
	}
	return nil
}

// Key handles moving and text.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	if p.editing {
		return p.editKey(k)
	}
	switch p.mode {
	case detailMode:
		p.detail.scroll.Key(k.String())
	case traceMode:
		p.trace.scroll.Key(k.String())
	case statsMode:
		p.stats.scroll.Key(k.String())
	default:
		if p.list.scroll.Key(k.String()) {
			if p.list.scroll.Cursor == 0 {
				p.list.unseen = 0
			}
			return p.loadMore()
		}
	}
	return nil
}

// View draws the tab.
func (p *Page) View(size page.Size) string {
	var lines []string
	switch {
	case p.err != nil:
		lines = p.problem(p.err, size, lang.M("r tries again"))
	case p.src == nil:
		lines = []string{"", "  " + p.env.Theme.Dim.Render(p.env.T("reaching the database …"))}
	case p.mode == detailMode:
		lines = p.drawDetail(size)
	case p.mode == traceMode:
		lines = p.drawTrace(size)
	case p.mode == statsMode:
		lines = p.drawStats(size)
	default:
		lines = p.drawList(size)
	}
	return widget.Fill(lines, size)
}

// go to a mode, and remember the way back.
func (p *Page) enter(m mode) {
	if p.mode != m {
		p.back = append(p.back, p.mode)
		p.mode = m
	}
}

func (p *Page) leave() {
	p.mode = listMode
	if n := len(p.back); n > 0 {
		p.mode, p.back = p.back[n-1], p.back[:n-1]
	}
}

// current is the row that actions are about.
func (p *Page) current() *audit.Row {
	switch {
	case p.mode == traceMode:
		return p.trace.current()
	case p.mode == detailMode && len(p.detail.rows) > 0:
		return &p.detail.rows[p.detail.at]
	case p.mode == listMode && p.list.scroll.Cursor < len(p.list.rows):
		return &p.list.rows[p.list.scroll.Cursor]
	}
	return nil
}

// generation is a page.Gen with the running request's cancel.
type generation struct {
	page.Gen
	cancel context.CancelFunc
}

// begin cancels the request before and starts a new one.
func (g *generation) begin(ctx context.Context) (context.Context, uint64) {
	g.stop()
	ctx, g.cancel = context.WithCancel(ctx)
	return ctx, g.Next()
}

func (g *generation) stop() {
	if g.cancel != nil {
		g.cancel()
		g.cancel = nil
	}
}

// drop runs f unless the answer is to an older request.
func (g *generation) drop(gen uint64, f func() tea.Cmd) tea.Cmd {
	if !g.Is(gen) {
		return nil
	}
	return f()
}

// asksLeave tells whether an error is a question that a person may answer.
func asksLeave(err error) bool {
	var much *audit.TooMuchError
	var unproved *audit.UnprovedError
	return errors.As(err, &much) || errors.As(err, &unproved)
}
