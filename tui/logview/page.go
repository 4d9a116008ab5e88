// Package logview is the Logs tab: a query box, events by time above a list that
// follows what comes, an event opened, and what patterns the events make.
package logview

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
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
const pace = 750 * time.Millisecond

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
	Sources() []store.SourceInfo
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
	// Stat counts what a query finds.
	Stat func(ctx context.Context, q *query.Query, ask stat.Ask) (*stat.Table, error)
	// Start begins to read the logs; it is called when the tab is first shown.
	Start func()
	// Highlights are the rules of the configuration; Session is how the tab was left, and
	// SaveSession keeps it for the next time. Aside says which file of it had to be set aside.
	Highlights  []Filter
	Session     Session
	SaveSession func(Session) error
	Aside       lang.Msg
	// Compare counts patterns in a good span and in a bad one.
	Compare func(ctx context.Context, q *query.Query, good, bad stat.Span) (*stat.Comparison, error)
	Close   func()
}

type mode int

const (
	listMode mode = iota
	detailMode
	patternMode
	statMode
	filterMode
	fileMode
	compareMode
)

// Page is the tab.
type Page struct {
	look    look
	ask     asking
	tally   tally
	list    list
	book    book
	box     box
	heading heading
	sheet   sheet
	groups  grouping
	counted counting
	feed    feed
	finder  finder
	kept    kept
	files   files
	session session
	spans   comparing

	parked bool
	woken  time.Time // when it was last told of new lines
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
	p := &Page{
		look: look{env: env, o: o, size: page.Size{Width: 80, Height: 20}},
		ask:  asking{filter: true, query: &query.Query{}, asked: &query.Query{}},
		list: list{follow: true},
		book: book{marks: o.Marks},
		box:  box{input: widget.NewInput("/ ", ""), history: o.History, histAt: -1},
		feed: feed{source: source},
	}
	p.wire()
	p.restore(o)
	return p
}

func (p *Page) ID() string       { return ID }
func (p *Page) Title() lang.Msg  { return lang.M("Logs") }
func (p *Page) TakingText() bool { return p.box.typing }

// Init starts reading at once, so that the tab is full when it is opened.
func (p *Page) Init() tea.Cmd {
	start := p.look.o.Start
	if start == nil {
		return nil
	}
	return func() tea.Msg { start(); return nil }
}

// Show brings the newest, or where one was.
func (p *Page) Show() tea.Cmd {
	p.look.shown, p.look.wasShown = true, true
	return tea.Batch(p.feed.load(), p.park(), p.session.greet())
}

// Hide stops drawing; reading goes on.
func (p *Page) Hide() { p.look.shown = false; p.box.typing = false }

// Close ends reading.
func (p *Page) Close() {
	if keep := p.look.o.SaveSession; keep != nil && p.look.wasShown {
		_ = keep(p.session.now()) // there is nobody left to tell
	}
	if p.look.o.Close != nil {
		p.look.o.Close()
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
		took time.Duration
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

// Unseen says that what came is drawn once it is loaded.
func (changedMsg) Unseen() {}

func send(body any) tea.Msg { return page.Msg{To: ID, Body: body} }

// park waits until there is more to see; one command at a time, and only while
// the tab is shown.
func (p *Page) park() tea.Cmd {
	if p.parked || !p.look.shown {
		return nil
	}
	p.parked = true
	ctx := p.look.env.Ctx
	changed := p.feed.source.Changed()
	last := p.woken
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
		if !p.look.shown {
			return nil
		}
		cmd := tea.Batch(p.feed.reload(), p.park(), p.feed.count(false))
		if p.look.mode == fileMode {
			return tea.Batch(cmd, p.files.loadFiles())
		}
		return cmd
	case windowMsg:
		current := p.feed.gen.Is(m.gen)
		cmd := p.feed.take(m)
		if !current {
			return cmd
		}
		return tea.Batch(cmd, p.finder.loosen())
	case foundMsg:
		return p.feed.found(m)
	case timelineMsg:
		p.tally.lineBusy, p.tally.lineTook = false, m.took
		if p.tally.lineGen.Is(m.gen) {
			p.tally.line = m.line
		}
	case typedMsg:
		if p.box.typed.Is(m.gen) {
			return p.finder.search(p.box.input.Value())
		}
	case eventMsg:
		p.openEvent(m)
	case patternsMsg:
		p.groups.takePatterns(m)
	case countedMsg:
		p.counted.take(m)
	case filterCountMsg:
		return p.kept.takeCount(m)
	case filesMsg:
		p.files.infos = m.infos
	case comparedMsg:
		p.spans.take(m)
	case copyMsg:
		return page.Send(page.Copy{Text: m.text})
	case exportMsg:
		return p.exported(m)
	case page.Incident:
		return p.goTo(m.At)
	case find:
		p.box.input.Set(m.Query)
		return p.finder.search(m.Query)
	}
	return nil
}

// find searches, for other pages: page.Goto{Page: "logs", Body: Find{…}}.
type find struct{ Query string }

// goTo shows the events around a moment.
func (p *Page) goTo(at time.Time) tea.Cmd {
	p.look.incident = at
	p.look.mode = listMode
	return p.feed.toMoment(at, p.list.listHeight()/3)
}

// toMoment puts the first event at or after a moment on a row of the screen.
func (p *feed) toMoment(at time.Time, row int) tea.Cmd {
	p.list.leaveEnd()
	p.ask.ranked = false
	p.cancelJump()
	p.seeking, p.saidMissing = at, false
	p.want = wish{true, store.Place{At: at}, row}
	if !p.look.shown {
		return nil
	}
	return p.load()
}

// leaveEnd stops following.
func (p *list) leaveEnd() {
	if p.follow {
		p.follow = false
		p.seen = p.tally.stats.Added
	}
}

// View draws the tab.
func (p *Page) View(size page.Size) string {
	p.look.size = size
	p.look.ink = newInks(p.look.env.Theme)
	switch p.look.mode {
	case detailMode:
		return p.sheet.viewDetail(size)
	case patternMode:
		return p.groups.viewPatterns(size)
	case statMode:
		return p.counted.viewStat(size)
	case compareMode:
		return p.spans.view(size)
	}
	if p.look.panel = p.panelRows(); p.look.panel > 0 && size.Height < panelled {
		return widget.Fill(p.viewPanel(size.Width, size.Height), size)
	}
	return p.viewList(size)
}

// wire gives each part the ones that it works with.
func (p *Page) wire() {
	p.ask.look = &p.look
	p.tally.look = &p.look
	p.list.look = &p.look
	p.list.ask = &p.ask
	p.list.tally = &p.tally
	p.book.look = &p.look
	p.book.list = &p.list
	p.box.look = &p.look
	p.heading.look = &p.look
	p.heading.ask = &p.ask
	p.heading.tally = &p.tally
	p.heading.list = &p.list
	p.heading.box = &p.box
	p.sheet.look = &p.look
	p.sheet.ask = &p.ask
	p.sheet.list = &p.list
	p.sheet.book = &p.book
	p.groups.look = &p.look
	p.counted.look = &p.look
	p.counted.ask = &p.ask
	p.counted.tally = &p.tally
	p.counted.rows = &p.list
	p.counted.feed = &p.feed
	p.counted.finder = &p.finder
	p.feed.look = &p.look
	p.feed.ask = &p.ask
	p.feed.tally = &p.tally
	p.feed.list = &p.list
	p.feed.book = &p.book
	p.finder.look = &p.look
	p.finder.ask = &p.ask
	p.finder.tally = &p.tally
	p.finder.list = &p.list
	p.finder.feed = &p.feed
	p.finder.box = &p.box
	p.finder.groups = &p.groups
	p.finder.kept = &p.kept
	p.kept.look = &p.look
	p.kept.ask = &p.ask
	p.kept.box = &p.box
	p.kept.feed = &p.feed
	p.kept.finder = &p.finder
	p.kept.session = &p.session
	p.ask.kept = &p.kept
	p.sheet.kept = &p.kept
	p.heading.kept = &p.kept
	p.counted.kept = &p.kept
	p.files.look = &p.look
	p.files.kept = &p.kept
	p.files.feed = &p.feed
	p.files.finder = &p.finder
	p.files.session = &p.session
	p.session.look = &p.look
	p.session.kept = &p.kept
	p.session.list = &p.list
	p.spans.look = &p.look
	p.spans.ask = &p.ask
	p.spans.list = &p.list
	p.spans.finder = &p.finder
	p.spans.feed = &p.feed
	p.spans.kept = &p.kept
}
