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
func (p *Page) load() tea.Cmd {
	if p.loading {
		p.again = true
		return nil
	}
	p.loading, p.again = true, false
	if p.byRank() {
		return p.loadBest(0)
	}
	h := max(p.listHeight(), 1)
	w := p.want
	p.want = wish{}
	above, below := 2*h, 3*h
	switch {
	case w.set:
	case !p.seeking.IsZero():
		w = wish{true, store.Place{At: p.seeking}, p.cur - p.top}
	case p.holding != store.RowID{}:
		w = wish{true, store.Place{Row: p.holding}, -1}
	case p.follow || len(p.rows) == 0:
		w, above, below = wish{}, 3*h, 1
	default:
		w = wish{true, store.Place{Row: p.rows[p.cur].ID}, p.cur - p.top}
	}
	source, gen := p.source, p.gen.Next()
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
func (p *Page) byRank() bool { return p.ranked && p.asked.HasText() }

// reload loads what came; ranking takes longer, so it waits a little.
func (p *Page) reload() tea.Cmd {
	if !p.byRank() || p.loading {
		return p.load()
	}
	p.loading, p.again = true, false
	return p.loadBest(bestEvery)
}

func (p *Page) loadBest(wait time.Duration) tea.Cmd {
	p.want = wish{}
	source, ctx, gen := p.source, p.env.Ctx, p.gen.Next()
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
func (p *Page) takeBest(m windowMsg) {
	r, had := p.current()
	fresh := !had || p.top == 0 && p.cur == 0
	p.rows, p.stats = m.w.Rows, m.w.Stats
	if at := slices.IndexFunc(p.rows, func(o store.Row) bool { return o.ID == r.ID }); at >= 0 && !fresh {
		p.top += at - p.cur
		p.cur = at
	}
	p.settle()
}

// take shows a window that came.
func (p *Page) take(m windowMsg) tea.Cmd {
	p.loading = false
	if !p.gen.Is(m.gen) {
		return p.load()
	}
	if m.best != p.byRank() {
		return p.load()
	}
	if m.best {
		p.takeBest(m)
		return tea.Batch(p.count(false), p.loadAgain())
	}
	p.rows, p.stats = m.w.Rows, m.w.Stats
	if !p.stats.Pending {
		p.holding = store.RowID{}
	}
	h := max(p.listHeight(), 1)
	switch {
	case !m.wish.set:
		p.cur = max(0, len(p.rows)-1)
		p.top = max(0, len(p.rows)-h)
	default:
		p.cur = max(0, min(m.w.Above, len(p.rows)-1))
		row := m.wish.row
		if row < 0 {
			row = p.cur - p.top
		}
		p.top = p.cur - row
		p.settle()
		p.onMark()
	}
	if p.stats.Rows == 0 {
		p.cur, p.top = 0, 0
	}
	return tea.Batch(p.count(false), p.loadAgain(), p.sought())
}

// loadAgain loads once more when that was asked for meanwhile.
func (p *Page) loadAgain() tea.Cmd {
	if p.again || p.want.set {
		return p.reload()
	}
	return nil
}

// settle keeps the cursor in sight.
func (p *Page) settle() {
	h := max(p.listHeight(), 1)
	p.cur = max(0, min(p.cur, len(p.rows)-1))
	p.top = max(p.top, p.cur-h+1)
	p.top = max(0, min(p.top, p.cur, max(0, len(p.rows)-h)))
}

// move moves the cursor by n rows; past what is loaded it asks for more.
func (p *Page) move(n int) tea.Cmd {
	if len(p.rows) == 0 {
		return nil
	}
	to := p.cur + n
	if n < 0 {
		p.leaveEnd()
	}
	if p.byRank() {
		p.cur = max(0, min(to, len(p.rows)-1))
		p.settle()
		return nil
	}
	if to >= 0 && to < len(p.rows) {
		p.cur = to
		p.settle()
		h := p.listHeight()
		if p.cur < h || p.cur > len(p.rows)-h {
			return p.load()
		}
		return nil
	}
	row := p.cur - p.top
	p.want = wish{true, store.Place{Row: p.rows[p.cur].ID, Skip: n}, row}
	if n > 0 && p.stats.Index+int64(n) >= p.stats.Rows-int64(p.listHeight()) && p.atEnd() {
		return p.toEnd()
	}
	if n < 0 {
		p.cur = 0
	} else {
		p.cur = len(p.rows) - 1
	}
	p.settle()
	return p.load()
}

// letGo stops going to where one wanted to be: one has moved.
func (p *Page) letGo() { p.seeking, p.holding = time.Time{}, store.RowID{} }

// atEnd tells whether the last loaded row is the last there is.
func (p *Page) atEnd() bool {
	return p.stats.Index+int64(len(p.rows)-p.cur) >= p.stats.Rows
}

// toEnd follows again.
func (p *Page) toEnd() tea.Cmd {
	if p.byRank() {
		return p.move(len(p.rows))
	}
	p.follow = true
	p.want = wish{}
	p.cur = max(0, len(p.rows)-1)
	p.settle()
	return p.load()
}

func (p *Page) toTop() tea.Cmd {
	p.leaveEnd()
	if p.byRank() {
		return p.move(-len(p.rows))
	}
	p.want = wish{true, store.Place{Top: true}, 0}
	return p.load()
}

// current is the row under the cursor.
func (p *Page) current() (store.Row, bool) {
	if p.cur < len(p.rows) && p.cur >= 0 {
		return p.rows[p.cur], true
	}
	return store.Row{}, false
}

// jump goes to the next event with a mark.
func (p *Page) jump(what store.Mark, down bool) tea.Cmd {
	r, ok := p.current()
	if !ok {
		return nil
	}
	source := p.source
	return func() tea.Msg {
		id, ok := source.Next(r.ID, what, down)
		return send(foundMsg{id, ok, what, down})
	}
}

func (p *Page) found(m foundMsg) tea.Cmd {
	if !m.ok {
		where := lang.M("none further down")
		if !m.down {
			where = lang.M("none further up")
		}
		return page.Send(page.Notice{State: ops.StateUnknown, Text: where})
	}
	p.leaveEnd()
	p.letGo()
	p.want = wish{true, store.Place{Row: m.id}, p.listHeight() / 3}
	var open tea.Cmd
	if p.mode == detailMode {
		open = p.open(m.id)
	}
	return tea.Batch(p.load(), open)
}

// countEvery is how often the timeline is counted anew while logs grow.
const countEvery = time.Second

// count counts the timeline anew; unless at once, not too often.
func (p *Page) count(atOnce bool) tea.Cmd {
	n := p.timelineWidth()
	if n <= 0 || p.lineBusy && !atOnce ||
		!atOnce && p.env.Clock.Now().Sub(p.lineAt) < countEvery && len(p.line.Counts) == n {
		return nil
	}
	p.lineBusy, p.lineAt = true, p.env.Clock.Now()
	var z span
	if k := len(p.zoom); k > 0 {
		z = p.zoom[k-1]
	}
	source, ctx, gen := p.source, p.env.Ctx, p.lineGen.Next()
	return func() tea.Msg {
		return send(timelineMsg{source.Timeline(ctx, z.from, z.to, n), gen})
	}
}
