package auditview

import (
	"context"
	"errors"
	"sort"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

const (
	pageRows  = 200             // rows of one reading
	ahead     = 40              // rows left below the cursor when the next page is read
	keepRows  = 20_000          // rows held in memory; older ones are read again
	pollEvery = 2 * time.Second // the live list's clock
)

// reportEvery is how long a parked command waits before it takes a report.
var reportEvery = 150 * time.Millisecond

// list is the newest rows that pass the filter, and how far they were read.
type list struct {
	gen      generation
	rows     []audit.Row
	scroll   widget.Scroll
	loading  bool
	more     bool
	partial  bool
	unproved bool
	next     audit.Pos
	top      audit.Pos // where new rows come behind while there are none
	took     time.Duration
	read     time.Time // when the rows shown were read
	way      audit.Strategy
	err      error
	question error // asks for leave
	leave    bool  // was given, for this query
	live     bool
	lost     bool // the server did not answer the live list last
	unseen   int  // rows that came above the cursor
	seen     seenMsg
	signal   chan seenMsg
	width    int       // of the rows when last drawn
	seek     time.Time // the cursor goes there when the first page has come
}

func (l *list) stop() { l.gen.stop(); l.loading = false }

type pageMsg struct {
	page  audit.Page
	err   error
	first bool
	took  time.Duration
}

// seenMsg tells how far a long search has come.
type seenMsg audit.Looked

// reload reads the first page anew.
func (p *rows) reload(leave bool) tea.Cmd {
	l := &p.list
	if leave && l.question != nil {
		l.rows = nil // of the query before
	}
	l.leave = leave
	l.question = nil
	l.err = nil
	return p.fetch(
		audit.PageRequest{Filter: p.base.filter, Before: audit.Newest(), Limit: pageRows, Leave: leave, Unproved: true},
		true,
	)
}

// loadMore reads the next page when the cursor comes near the end.
func (p *rows) loadMore() tea.Cmd {
	l := &p.list
	if l.loading || !l.more || l.question != nil || l.partial || len(l.rows)-l.scroll.Cursor > ahead ||
		len(l.rows) >= keepRows {
		return nil
	}
	return p.goOn()
}

// goOn reads the page behind the last row, or where a search stopped.
func (p *rows) goOn() tea.Cmd {
	return p.fetch(audit.PageRequest{Filter: p.base.filter, Before: p.list.next, Limit: pageRows, Leave: p.list.leave},
		false)
}

func (p *rows) fetch(req audit.PageRequest, first bool) tea.Cmd {
	if p.base.src == nil {
		return nil
	}
	ctx, gen := p.list.gen.begin(p.base.env.Ctx)
	src, now := p.base.src, p.base.env.Clock.Now
	signal := make(chan seenMsg, 1)
	p.list.loading = true
	p.list.signal = signal
	p.list.seen = seenMsg{}
	req.Seen = func(n audit.Looked) { tell(signal, seenMsg(n)) }
	return tea.Batch(park(signal, gen), func() tea.Msg {
		defer close(signal)
		begun := now()
		got, err := src.Page(ctx, req)
		return page.Msg{To: id, Gen: gen, Body: pageMsg{got, err, first, now().Sub(begun)}}
	})
}

func (p *rows) loaded(m pageMsg) tea.Cmd {
	l := &p.list
	l.loading = false
	switch {
	case errors.Is(m.err, context.Canceled):
		return nil
	case m.err != nil && asksLeave(m.err):
		l.question = m.err
		return p.proveFor(m.err)
	case m.err != nil:
		l.err = m.err
		return nil
	}
	l.err = nil
	l.question = nil
	l.took = m.took
	l.way = m.page.Strategy
	l.more = m.page.More
	l.next = m.page.Next
	l.partial = m.page.Partial
	l.unproved = m.page.Unproved
	if m.first {
		l.read = p.base.env.Clock.Now()
		l.rows = nil
		l.unseen = 0
		l.top = m.page.Top
		l.scroll = widget.Scroll{}
	}
	l.rows = append(l.rows, m.page.Rows...)
	if m.first {
		l.goTo(l.seek)
	}
	if l.unproved {
		return p.prove()
	}
	return nil
}

// goTo puts the cursor on the newest row that is not after a moment.
func (l *list) goTo(at time.Time) {
	if l.seek = (time.Time{}); at.IsZero() {
		return
	}
	for i := range l.rows {
		if !l.rows[i].Time.After(at) {
			l.scroll.Resize(len(l.rows), 1)
			l.scroll.Move(i)
			return
		}
	}
}

// ask sets a new query.
func (p *editor) ask(query string) tea.Cmd {
	p.base.query, p.rows.list.seek = query, time.Time{}
	p.input.Set(query)
	p.base.mode, p.base.back = listMode, nil
	if p.base.src == nil {
		return nil
	}
	f, err := p.base.syntax().Parse(query)
	if err != nil {
		p.rows.list.err = err
		return nil
	}
	p.base.filter = f
	return p.rows.reload(false)
}

func (p *base) syntax() audit.Syntax {
	return audit.Syntax{Layout: p.src.Layout(), Now: p.env.Clock.Now(), Zone: p.env.Zone}
}

// The live list.

type tickMsg struct{}

type newRowsMsg struct {
	rows []audit.Row
	err  error
}

func (p *rows) tick() tea.Cmd {
	if !p.list.live {
		return nil
	}
	gen := p.ticks.Next()
	return tea.Tick(pollEvery, func(time.Time) tea.Msg { return page.Msg{To: id, Gen: gen, Body: tickMsg{}} })
}

// poll reads what came behind the highest id, or the newest time.
func (p *rows) poll() tea.Cmd {
	l := &p.list
	switch {
	case p.base.src == nil || l.loading || l.unproved || l.question != nil:
		return nil
	case l.err != nil && l.live && ops.CodeOf(l.err) == ops.Busy:
		return p.reload(l.leave)
	case l.err != nil:
		return nil
	}
	top := p.top()
	ctx := p.base.env.Ctx
	gen := uint64(l.gen.Gen)
	src := p.base.src
	f := p.base.filter
	return func() tea.Msg {
		rows, err := src.After(ctx, f, top, 1000)
		return page.Msg{To: id, Gen: gen, Body: newRowsMsg{rows, err}}
	}
}

// top is the place behind which new rows come.
func (p *rows) top() audit.Pos {
	if len(p.list.rows) == 0 {
		return p.list.top
	}
	top := p.list.rows[0].Pos()
	numbered := p.base.src.Layout().Numbered()
	for i := range p.list.rows {
		if r := p.list.rows[i].Pos(); numbered && r.ID > top.ID || !numbered && top.Less(r) {
			top = r
		}
	}
	return top
}

// arrived puts new rows where they belong. The cursor stays on its row, or at
// the top when it stands there.
func (p *rows) arrived(m newRowsMsg) tea.Cmd {
	l := &p.list
	if m.err != nil {
		return l.missed(m.err)
	}
	l.lost = false
	l.read = p.base.env.Clock.Now()
	known := make(map[audit.Pos]bool, len(l.rows))
	for i := range l.rows {
		known[l.rows[i].Pos()] = true
	}
	var fresh []audit.Row
	for _, r := range m.rows {
		if !known[r.Pos()] && (!l.more || l.next.Less(r.Pos())) {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	var on audit.Pos
	if l.scroll.Cursor < len(l.rows) {
		on = l.rows[l.scroll.Cursor].Pos()
	}
	l.rows = append(l.rows, fresh...)
	sort.SliceStable(l.rows, func(i, j int) bool { return l.rows[j].Pos().Less(l.rows[i].Pos()) })
	if l.scroll.Cursor == 0 {
		return nil
	}
	above := 0
	for _, r := range fresh {
		if on.Less(r.Pos()) {
			above++
		}
	}
	l.scroll.Len += len(fresh)
	l.scroll.Top += above
	l.scroll.Move(above)
	l.unseen += above
	return nil
}

// missed is told when new rows could not be asked for. A server that is away
// may come back, so the list stays live; what is refused ends that. One notice
// is enough.
func (l *list) missed(err error) tea.Cmd {
	lost := l.lost
	l.lost = ops.CodeOf(err) == ops.Busy
	if l.live = l.live && l.lost; lost && l.lost {
		return nil
	}
	return page.Send(page.Notice{State: ops.StateWarning, Text: sentence(err)})
}

// The proof of the table's order.

type proof struct {
	running  bool
	progress ops.Progress
	signal   chan provingMsg
	err      error
}

type (
	provingMsg ops.Progress
	provedMsg  struct{ err error }
)

// proveFor begins the proof when that is what a question is about.
func (p *rows) proveFor(err error) tea.Cmd {
	var unproved *audit.UnprovedError
	if errors.As(err, &unproved) {
		return p.prove()
	}
	return nil
}

// prove looks at the rows' order in the background, gently.
func (p *rows) prove() tea.Cmd {
	if p.base.proof.running {
		return nil
	}
	signal := make(chan provingMsg, 1)
	p.base.proof = proof{running: true, signal: signal}
	ctx, src := p.base.env.Ctx, p.base.src
	return tea.Batch(park(signal, 0), func() tea.Msg {
		defer close(signal)
		err := src.Prove(ctx, 0.5, func(r ops.Progress) { tell(signal, provingMsg(r)) })
		return page.Msg{To: id, Body: provedMsg{err}}
	})
}

func (p *rows) proved(m provedMsg) tea.Cmd {
	p.base.proof.running = false
	if p.base.proof.err = m.err; m.err != nil {
		return nil
	}
	var cmds []tea.Cmd
	if p.list.unproved || p.list.question != nil {
		cmds = append(cmds, p.reload(false))
	}
	if p.base.mode == statsMode && p.tallies.stats.question != nil {
		cmds = append(cmds, p.tallies.count(false))
	}
	return tea.Batch(cmds...)
}

// sentence is an error for the footer.
func sentence(err error) lang.Msg {
	var e *ops.Error
	var much *audit.TooMuchError
	switch {
	case errors.As(err, &e):
		return e.What
	case errors.As(err, &much):
		return much.Message()
	}
	return lang.Raw(err.Error())
}
