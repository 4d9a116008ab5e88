// Package logview is the Logs tab: a query box, events by time above a list that
// follows what comes, an event opened, and what patterns the events make.
package logview

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// ID is the page's address.
const ID = "logs"

// frame is how long a burst of lines is gathered before it is drawn.
const frame = 33 * time.Millisecond

// pace is how long after a look for new lines the next one waits at least, so
// that a log that grows steadily does not keep the machine busy.
const pace = 350 * time.Millisecond

// Source is where the events come from: a logs.Store.
type Source interface {
	Changed() <-chan struct{}
	SetQuery(q *query.Query, filter bool)
	SetAround(n int)
	Best(ctx context.Context, n int) store.Window
	Between(a, b store.RowID, most int) (lines []string, whole bool)
	Window(at store.Place, above, below int) store.Window
	Event(id store.RowID) (logs.Event, bool)
	Next(from store.RowID, mark store.Mark, down bool) (store.RowID, bool)
	Timeline(ctx context.Context, from, to time.Time, n int) store.Timeline
	Patterns(ctx context.Context, until time.Time) ([]store.EventPattern, store.Comparison)
}

// Options is what else the tab works with. All may be zero.
type Options struct {
	Searches []query.Saved // of the configuration
	History  []string      // queries of earlier times, the oldest first
	Marks    []Bookmark    // of earlier times
	// SaveHistory and SaveMarks keep them for the next time.
	SaveHistory func([]string) error
	SaveMarks   func([]Bookmark) error
	// Export writes what is shown to a file, newest query first, and tells where.
	Export func(ctx context.Context, q *query.Query, ndjson bool) (path string, n int64, err error)
	// Start begins to read the logs; it is called when the tab is first shown.
	Start func()
	Close func()
}

type mode int

const (
	listMode mode = iota
	detailMode
	patternMode
)

// Page is the tab.
type Page struct {
	env    *page.Env
	source Source
	o      Options
	size   page.Size
	mode   mode
	ink    inks

	shown   bool
	parked  bool
	woken   time.Time // when it was last told of new lines
	gen     page.Gen  // of windows
	loading bool
	again   bool // what is shown is stale: load once more

	rows     []store.Row
	top, cur int
	stats    store.Stats
	follow   bool
	seen     int64 // Stats.Added when following was left
	want     wish
	seeking  time.Time   // the moment to go to once text that old is read
	told     bool        // that there is none
	holding  store.RowID // where one was when the query changed, until all hits are found

	query    *query.Query
	asked    *query.Query // with the level picked by a key
	queryErr *query.QueryError
	filter   bool
	around   int  // events shown before and after each hit
	ranked   bool // hits are listed by rank
	minLevel logs.Level
	input    widget.Input
	typing   bool
	typed    page.Gen // of keystrokes, to search when they pause
	history  []string
	histAt   int
	incident time.Time

	line     store.Timeline
	lineGen  page.Gen
	lineBusy bool
	lineAt   time.Time // when it was last counted
	zoom     []span

	detail   detail
	patterns patterns
	marks    []Bookmark  // in the order of time
	toMark   *Bookmark   // the cursor is to go there
	from     store.RowID // where a selection began
	fromAt   time.Time
	writing  bool // an export
}

type span struct{ from, to time.Time }

// wish is where the next window is to be, and where the cursor goes in it.
type wish struct {
	set   bool
	place store.Place
	row   int // screen row of the cursor; -1 keeps it
}

// New makes the tab.
func New(env *page.Env, source Source, o Options) *Page {
	return &Page{env: env, source: source, o: o, follow: true, filter: true, query: &query.Query{}, asked: &query.Query{},
		size: page.Size{
			Width:  80,
			Height: 20,
		}, input: widget.NewInput("/ ", ""), history: o.History, marks: o.Marks, histAt: -1}
}

func (p *Page) ID() string       { return ID }
func (p *Page) Title() lang.Msg  { return lang.M("Logs") }
func (p *Page) TakingText() bool { return p.typing }

// Init starts reading at once, so that the tab is full when it is opened.
func (p *Page) Init() tea.Cmd {
	start := p.o.Start
	if start == nil {
		return nil
	}
	return func() tea.Msg { start(); return nil }
}

// Show brings the newest, or where one was.
func (p *Page) Show() tea.Cmd {
	p.shown = true
	return tea.Batch(p.load(), p.park())
}

// Hide stops drawing; reading goes on.
func (p *Page) Hide() { p.shown = false; p.typing = false }

// Close ends reading.
func (p *Page) Close() {
	if p.o.Close != nil {
		p.o.Close()
	}
}

// The answers to commands.
type (
	changedMsg struct{ at time.Time }
	windowMsg  struct {
		w    store.Window
		wish wish
		gen  uint64
		best bool // rows are the best hits, all of them
	}
	foundMsg struct {
		id   store.RowID
		ok   bool
		what store.Mark
		down bool
	}
	timelineMsg struct {
		line store.Timeline
		gen  uint64
	}
	typedMsg struct{ gen uint64 }
	eventMsg struct {
		id    store.RowID
		event logs.Event
		ok    bool
	}
	copyMsg   struct{ text string }
	exportMsg struct {
		path string
		n    int64
		err  error
	}
)

func send(body any) tea.Msg { return page.Msg{To: ID, Body: body} }

// park waits until there is more to see; one command at a time, and only while
// the tab is shown.
func (p *Page) park() tea.Cmd {
	if p.parked || !p.shown {
		return nil
	}
	p.parked = true
	ctx, changed, last := p.env.Ctx, p.source.Changed(), p.woken
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(frame, pace-time.Since(last))):
		}
		return send(changedMsg{time.Now()})
	}
}

// Update takes answers and what other tabs ask.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case changedMsg:
		p.parked, p.woken = false, m.at
		if !p.shown {
			return nil
		}
		return tea.Batch(p.reload(), p.park(), p.count(false))
	case windowMsg:
		return p.take(m)
	case foundMsg:
		return p.found(m)
	case timelineMsg:
		p.lineBusy = false
		if p.lineGen.Is(m.gen) {
			p.line = m.line
		}
	case typedMsg:
		if p.typed.Is(m.gen) {
			return p.search(p.input.Value())
		}
	case eventMsg:
		p.openEvent(m)
	case patternsMsg:
		p.takePatterns(m)
	case copyMsg:
		return page.Send(page.Copy{Text: m.text})
	case exportMsg:
		return p.exported(m)
	case page.Incident:
		return p.goTo(m.At)
	case Find:
		p.input.Set(m.Query)
		return p.search(m.Query)
	}
	return nil
}

// Find searches, for other pages: page.Goto{Page: "logs", Body: Find{…}}.
type Find struct{ Query string }

// goTo shows the events around a moment.
func (p *Page) goTo(at time.Time) tea.Cmd {
	p.incident = at
	p.mode = listMode
	return p.toMoment(at, p.listHeight()/3)
}

// toMoment puts the first event at or after a moment on a row of the screen.
func (p *Page) toMoment(at time.Time, row int) tea.Cmd {
	p.leaveEnd()
	p.ranked = false
	p.letGo()
	p.seeking, p.told = at, false
	p.want = wish{true, store.Place{At: at}, row}
	if !p.shown {
		return nil
	}
	return p.load()
}

// leaveEnd stops following.
func (p *Page) leaveEnd() {
	if p.follow {
		p.follow = false
		p.seen = p.stats.Added
	}
}

// View draws the tab.
func (p *Page) View(size page.Size) string {
	p.size = size
	p.ink = newInks(p.env.Theme)
	switch p.mode {
	case detailMode:
		return p.viewDetail(size)
	case patternMode:
		return p.viewPatterns(size)
	}
	return p.viewList(size)
}
