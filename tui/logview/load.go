package logview

import (
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// load asks for the rows to be shown; while one is under way, for one more after it.
func (p *feed) load() tea.Cmd {
	if p.loading {
		p.again = true
		return nil
	}
	p.loading, p.again = true, false
	if p.ask.byRank() {
		return p.loadBest(0)
	}
	h := max(p.list.listHeight(), 1)
	w := p.want
	p.want = wish{}
	above, below := 2*h, 3*h
	switch {
	case w.set:
	case !p.seeking.IsZero():
		w = wish{true, store.Place{At: p.seeking}, p.list.cur - p.list.top}
	case p.holding != store.RowID{}:
		w = wish{true, store.Place{Row: p.holding}, -1}
	case p.list.follow || len(p.list.rows) == 0:
		w = wish{}
		below = 1 // what comes is loaded again and again: each row is read from the file
	default:
		w = wish{true, store.Place{Row: p.list.rows[p.list.cur].ID}, p.list.cur - p.list.top}
	}
	source := p.source
	gen := p.gen.Next()
	return func() tea.Msg {
		win := source.Window(w.place, above, below)
		if len(win.Rows)-win.Above < h && w.set && !w.place.Top {
			win = source.Window(w.place, above+h, below)
		}
		return send(windowMsg{win, w, gen, false})
	}
}

// bestShown is how many hits are listed by rank, bestEvery how often they are
// ranked anew while logs grow.
const (
	bestShown = 1000
	bestEvery = 300 * time.Millisecond
)

// byRank tells whether hits are listed by rank: with no words all rank alike.
func (p *asking) byRank() bool { return p.ranked && p.asked.HasText() }

// reload loads what came; ranking takes longer, so it waits a little.
func (p *feed) reload() tea.Cmd {
	if !p.ask.byRank() || p.loading {
		return p.load()
	}
	p.loading, p.again = true, false
	return p.loadBest(bestEvery)
}

func (p *feed) loadBest(wait time.Duration) tea.Cmd {
	p.want = wish{}
	source := p.source
	ctx := p.look.env.Ctx
	gen := p.gen.Next()
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		return send(windowMsg{source.Best(ctx, bestShown), wish{}, gen, true})
	}
}

// takeBest lists the best hits, the cursor where it was if that is still one.
func (p *feed) takeBest(m windowMsg) {
	r, had := p.list.current()
	fresh := !had || p.list.top == 0 && p.list.cur == 0
	p.list.rows, p.tally.stats = m.w.Rows, m.w.Stats
	if at := slices.IndexFunc(p.list.rows, func(o store.Row) bool { return o.ID == r.ID }); at >= 0 && !fresh {
		p.list.top += at - p.list.cur
		p.list.cur = at
	}
	p.list.settle()
}

// take shows a window that came.
func (p *feed) take(m windowMsg) tea.Cmd {
	p.loading = false
	if !p.gen.Is(m.gen) {
		return p.load()
	}
	if m.best != p.ask.byRank() {
		return p.load()
	}
	if m.best {
		p.takeBest(m)
		return tea.Batch(p.count(false), p.loadAgain())
	}
	p.list.rows, p.tally.stats = m.w.Rows, m.w.Stats
	if !p.tally.stats.Pending {
		p.holding = store.RowID{}
	}
	h := max(p.list.listHeight(), 1)
	switch {
	case !m.wish.set:
		p.list.cur = max(0, len(p.list.rows)-1)
		p.list.top = max(0, len(p.list.rows)-h)
	default:
		p.list.cur = max(0, min(m.w.Above, len(p.list.rows)-1))
		row := m.wish.row
		if row < 0 {
			row = p.list.cur - p.list.top
		}
		p.list.top = p.list.cur - row
		p.list.settle()
		p.book.onMark()
	}
	if p.tally.stats.Rows == 0 {
		p.list.cur, p.list.top = 0, 0
	}
	return tea.Batch(p.count(false), p.loadAgain(), p.checkJump())
}

// loadAgain loads once more when that was asked for meanwhile.
func (p *feed) loadAgain() tea.Cmd {
	if p.again || p.want.set {
		return p.reload()
	}
	return nil
}

// settle keeps the cursor in sight.
func (p *list) settle() {
	h := max(p.listHeight(), 1)
	p.cur = max(0, min(p.cur, len(p.rows)-1))
	p.top = max(p.top, p.cur-h+1)
	p.top = max(0, min(p.top, p.cur, max(0, len(p.rows)-h)))
}

// move moves the cursor by n rows; past what is loaded it asks for more.
func (p *feed) move(n int) tea.Cmd {
	if len(p.list.rows) == 0 {
		return nil
	}
	to := p.list.cur + n
	if n < 0 {
		p.list.leaveEnd()
	}
	if p.ask.byRank() {
		p.list.cur = max(0, min(to, len(p.list.rows)-1))
		p.list.settle()
		return nil
	}
	if to >= 0 && to < len(p.list.rows) {
		p.list.cur = to
		p.list.settle()
		h := p.list.listHeight()
		if p.list.cur < h || p.list.cur > len(p.list.rows)-h {
			return p.load()
		}
		return nil
	}
	row := p.list.cur - p.list.top
	p.want = wish{true, store.Place{Row: p.list.rows[p.list.cur].ID, Skip: n}, row}
	if n > 0 && p.tally.stats.Index+int64(n) >= p.tally.stats.Rows-int64(p.list.listHeight()) && p.list.atEnd() {
		return p.toEnd()
	}
	if n < 0 {
		p.list.cur = 0
	} else {
		p.list.cur = len(p.list.rows) - 1
	}
	p.list.settle()
	return p.load()
}

// cancelJump stops going to where one wanted to be: one has moved.
func (p *feed) cancelJump() { p.seeking, p.holding = time.Time{}, store.RowID{} }

// atEnd tells whether the last loaded row is the last there is.
func (p *list) atEnd() bool {
	return p.tally.stats.Index+int64(len(p.rows)-p.cur) >= p.tally.stats.Rows
}

// toEnd follows again.
func (p *feed) toEnd() tea.Cmd {
	if p.ask.byRank() {
		return p.move(len(p.list.rows))
	}
	p.list.follow = true
	p.want = wish{}
	p.list.cur = max(0, len(p.list.rows)-1)
	p.list.settle()
	return p.load()
}

func (p *feed) toTop() tea.Cmd {
	p.list.leaveEnd()
	if p.ask.byRank() {
		return p.move(-len(p.list.rows))
	}
	p.want = wish{true, store.Place{Top: true}, 0}
	return p.load()
}

// current is the row under the cursor.
func (p *list) current() (store.Row, bool) {
	if p.cur < len(p.rows) && p.cur >= 0 {
		return p.rows[p.cur], true
	}
	return store.Row{}, false
}

// jump goes to the next event with a mark.
func (p *feed) jump(what store.Mark, down bool) tea.Cmd {
	r, ok := p.list.current()
	if !ok {
		return nil
	}
	source := p.source
	return func() tea.Msg {
		id, ok := source.Next(r.ID, what, down)
		return send(foundMsg{id, ok, what, down})
	}
}

func (p *feed) found(m foundMsg) tea.Cmd {
	if !m.ok {
		where := lang.M("no more below")
		if !m.down {
			where = lang.M("no more above")
		}
		return page.Send(page.Notice{State: ops.StateUnknown, Text: where})
	}
	p.list.leaveEnd()
	p.cancelJump()
	p.want = wish{true, store.Place{Row: m.id}, p.list.listHeight() / 3}
	var open tea.Cmd
	if p.look.mode == detailMode {
		open = p.open(m.id)
	}
	return tea.Batch(p.load(), open)
}

// count counts the timeline anew; unless at once, not too often.
func (p *feed) count(atOnce bool) tea.Cmd {
	n := p.tally.columns()
	if n <= 0 || !atOnce && (p.tally.lineBusy || !p.tally.due(n)) {
		return nil
	}
	p.tally.lineBusy, p.tally.lineAt = true, p.look.env.Clock.Now()
	var z span
	if k := len(p.tally.zoom); k > 0 {
		z = p.tally.zoom[k-1]
	}
	source := p.source
	ctx := p.look.env.Ctx
	gen := p.tally.lineGen.Next()
	return func() tea.Msg {
		begun := time.Now()
		line := source.Timeline(ctx, z.from, z.to, n)
		return send(timelineMsg{line, gen, time.Since(begun)})
	}
}
