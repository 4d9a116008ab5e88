// Package auditview is the Audit tab: the newest rows and what changed in
// them, a query line, the life of a resource, counts. It never writes.
package auditview

import (
	"context"
	"errors"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/binlog"
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
	logMode // the binary log: transactions
	txnMode // the binary log: the rows of one
)

// Page is the tab.
type Page struct {
	base    base
	story   story
	tallies tallies
	rows    rows
	sheet   sheet
	editor  editor
	ledger  ledger
	open    func(context.Context) (Source, error)
	err     error // why there is no source
	shown   bool
	opens   page.Gen
}

// New makes the tab. open is called when it is first shown, off the console's
// goroutine.
func New(env *page.Env, open func(context.Context) (Source, error)) *Page {
	p := &Page{
		open:   open,
		base:   base{env: env},
		editor: editor{input: widget.NewInput("/ ", "")},
		ledger: ledger{input: widget.NewInput("/ ", "")},
	}
	p.wire()
	p.tallies.stats.span = 1
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
	if p.base.src == nil {
		return p.connect()
	}
	if p.rows.list.scroll.Cursor == 0 && p.rows.list.question == nil && !p.rows.list.loading {
		return tea.Batch(p.rows.poll(), p.rows.tick())
	}
	return p.rows.tick()
}

// Hide stops the live list; a search under way goes on.
func (p *Page) Hide() {
	p.shown = false
	p.rows.ticks.Next()
}

// Close ends the source's connection.
func (p *Page) Close() {
	p.rows.list.stop()
	p.story.trace.stop()
	p.tallies.stats.stop()
	p.ledger.close()
	if p.base.src != nil {
		p.base.src.Close()
	}
}

// TakingText tells that the query line is being written.
func (p *Page) TakingText() bool { return p.editor.editing || p.ledger.editing }

type openedMsg struct {
	src Source
	err error
}

func (p *Page) connect() tea.Cmd {
	p.err = nil
	ctx := p.base.env.Ctx
	gen := p.opens.Next()
	open := p.open
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
		return p.rows.list.gen.drop(m.Gen, func() tea.Cmd { return p.rows.loaded(body) })
	case seenMsg:
		return p.rows.list.gen.drop(m.Gen, func() tea.Cmd {
			p.rows.list.seen = body
			return park(p.rows.list.signal, m.Gen)
		})
	case newRowsMsg:
		return p.rows.list.gen.drop(m.Gen, func() tea.Cmd { return p.rows.arrived(body) })
	case tickMsg:
		if p.rows.ticks.Is(m.Gen) && p.shown {
			return tea.Batch(p.rows.poll(), p.rows.tick())
		}
	case traceMsg:
		return p.story.trace.gen.drop(m.Gen, func() tea.Cmd { p.rows.traced(body); return nil })
	case statsMsg:
		return p.tallies.stats.gen.drop(m.Gen, func() tea.Cmd { return p.rows.counted(body) })
	case ledgerOpenedMsg:
		return p.ledger.opened(m.Gen, body)
	case ledgerMsg:
		return p.ledger.gen.drop(m.Gen, func() tea.Cmd { return p.ledger.loaded(body) })
	case rowsMsg:
		return p.ledger.one.gen.drop(m.Gen, func() tea.Cmd { return p.ledger.shown(body) })
	case readingMsg:
		if body.of == traceMode {
			return p.story.trace.takeProgress(m.Gen, body)
		}
		return p.tallies.stats.takeProgress(m.Gen, body)
	case provingMsg:
		p.base.proof.progress = ops.Progress(body)
		return park(p.base.proof.signal, 0)
	case provedMsg:
		return p.rows.proved(body)
	case valuesMsg:
		p.editor.offer(body)
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
	p.base.src = m.src
	return tea.Batch(p.editor.begin(), p.rows.tick())
}

// Update takes broadcasts and what another page handed over: a query line.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case page.Incident:
		p.base.at = m.At
	case binlog.Query:
		p.ledger.largest = m.Largest
		return p.ledger.turn()
	case string:
		return p.editor.ask(m)
	}
	return nil
}

// Key handles moving and text.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	switch {
	case p.editor.editing:
		return p.editor.editKey(k)
	case p.ledger.editing:
		return p.ledger.editKey(k)
	}
	switch p.base.mode {
	case detailMode:
		p.rows.detail.scroll.Key(k.String())
	case traceMode:
		p.story.trace.scroll.Key(k.String())
	case statsMode:
		p.tallies.stats.scroll.Key(k.String())
	case logMode:
		p.ledger.scroll.Key(k.String())
	case txnMode:
		p.ledger.one.scroll.Key(k.String())
	default:
		if p.rows.list.scroll.Key(k.String()) {
			if p.rows.list.scroll.Cursor == 0 {
				p.rows.list.unseen = 0
			}
			return p.rows.loadMore()
		}
	}
	return nil
}

// View draws the tab.
func (p *Page) View(size page.Size) string {
	var lines []string
	switch {
	case p.base.mode == logMode:
		lines = p.ledger.draw(size)
	case p.base.mode == txnMode:
		lines = p.ledger.one.draw(size)
	case p.err != nil:
		lines = p.base.problem(p.err, size, lang.M("r tries again"))
		if p.editor.editing {
			lines = append([]string{p.editor.queryLine(size.Width)}, lines...)
		}
	case p.base.src == nil:
		lines = []string{p.editor.queryLine(size.Width),
			"  " + p.base.env.Theme.Dim.Render(p.base.env.T("connecting to the database …"))}
	case p.base.mode == detailMode:
		lines = p.sheet.drawDetail(size)
	case p.base.mode == traceMode:
		lines = p.story.drawTrace(size)
	case p.base.mode == statsMode:
		lines = p.tallies.drawStats(size)
	default:
		lines = p.drawList(size)
	}
	return widget.Fill(lines, size)
}

// go to a mode, and remember the way back.
func (p *base) enter(m mode) {
	if p.mode != m {
		p.back = append(p.back, p.mode)
		p.mode = m
	}
}

func (p *base) leave() {
	p.mode = listMode
	if n := len(p.back); n > 0 {
		p.mode, p.back = p.back[n-1], p.back[:n-1]
	}
}

// current is the row that actions are about.
func (p *rows) current() *audit.Row {
	switch {
	case p.base.mode == traceMode:
		return p.story.trace.current()
	case p.base.mode == detailMode && len(p.detail.rows) > 0:
		return &p.detail.rows[p.detail.at]
	case p.base.mode == listMode && p.list.scroll.Cursor < len(p.list.rows):
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

// wire gives each part the ones that it works with.
func (p *Page) wire() {
	p.story.base = &p.base
	p.tallies.base = &p.base
	p.rows.base = &p.base
	p.rows.story = &p.story
	p.rows.tallies = &p.tallies
	p.sheet.base = &p.base
	p.sheet.rows = &p.rows
	p.editor.base = &p.base
	p.editor.rows = &p.rows
	p.ledger.base = &p.base
	p.ledger.one.base = &p.base
	p.ledger.editor = &p.editor
}
