// Package backupview is the Backups tab: the backups by tier with the slots that
// are missing, one backup opened with all that is known of it, and the acts:
// back up, verify, rehearse, prune, copy, and restore from here. Long work shows
// its progress in place and goes on when the tab is left.
package backupview

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// ID is the page's address.
const ID = "backups"

// Report takes the progress of long work.
type Report = func(ops.Progress)

// Service is what the tab shows and does. An act that is nil cannot be done on
// this service. An act answers with the sentence that tells its end.
type Service struct {
	Database string
	Late     time.Duration // the newest good backup must be younger

	Read     func(context.Context) (*Shelf, error)
	Manifest func(context.Context, *backup.Set) (*backup.Manifest, error)
	Create   func(context.Context, Report) (lang.Msg, error)
	Verify   func(context.Context, *backup.Set, Report) (lang.Msg, error) // nil: what is not verified yet
	Drill    func(context.Context, *backup.Set, Report) (lang.Msg, error)
	Prune    func(context.Context, *backup.Plan, Report) (lang.Msg, error)
	Sync     func(context.Context, Report) (lang.Msg, error)
	// Compare looks at the database as it is now, from a backup's point of view;
	// the backup is named as restore --from names it. Only reads.
	Compare func(ctx context.Context, backup string) (*restore.Assessment, error)
}

// Shelf is the backups as they are at one moment.
type Shelf struct {
	Inventory *backup.Inventory
	Tiers     []backup.TierInfo
	Plan      *backup.Plan
	Drills    []backup.Drill
	Away      []backup.Elsewhere // the copies, as they were last looked at
	Log       Surplus
}

// Surplus is the archived binlog that no backup needs after the plan; prune removes it too.
type Surplus struct {
	Files       int
	Bytes       int64
	First, Last string // names of the log's files
}

// find is a backup of the folder by its name, or of a copy by COPY:NAME.
func (s *Shelf) find(name string) *backup.Set {
	if set := s.Inventory.Find(name); set != nil {
		return set
	}
	for _, a := range s.Away {
		for _, set := range a.Only {
			if set.Path == name {
				return set
			}
		}
	}
	return nil
}

// called is the name that find knows a backup by.
func called(s *backup.Set) string {
	if s.AtCopy != "" {
		return s.Path
	}
	return s.Name
}

// refresh is how often the shown tab looks at the folder by itself.
const refresh = 30 * time.Second

// patience is how long quitting waits for work that was told to stop.
const patience = 10 * time.Second

// Page is the tab.
type Page struct {
	stock   stock
	dossier dossier
	work    work
	table   table
	gen     page.Gen // of reading the folder
	tick    page.Gen // of the timer
	shown   bool
}

// New makes the tab.
func New(env *page.Env, svc Service) *Page {
	p := &Page{
		stock: stock{env: env, svc: svc},
		table: table{input: widget.NewInput("/", ""), folded: map[string]bool{}},
	}
	p.wire()
	return p
}

func (p *Page) ID() string       { return ID }
func (p *Page) Title() lang.Msg  { return lang.M("Backups") }
func (p *Page) TakingText() bool { return p.table.typing }
func (p *Page) Init() tea.Cmd    { return nil }

// Show looks at the folder anew.
func (p *Page) Show() tea.Cmd {
	p.shown = true
	return tea.Batch(p.read(), p.later())
}

// Hide stops looking; work under way goes on.
func (p *Page) Hide() {
	p.shown, p.table.typing = false, false
	p.tick.Next()
}

// Close ends the work under way and waits for it.
func (p *Page) Close() {
	if j := p.work.job; j != nil {
		j.cancel()
		select {
		case <-j.done:
		case <-time.After(patience):
		}
	}
}

// Busy tells of work that quitting would break off.
func (p *Page) Busy() (lang.Msg, bool) {
	if p.work.job == nil {
		return lang.Msg{}, false
	}
	return lang.M("%s is running and would be interrupted", p.work.job.title), true
}

type (
	shelfMsg struct {
		shelf *Shelf
		err   error
	}
	manifestMsg struct {
		name     string
		manifest *backup.Manifest
	}
	tickMsg struct{}
)

// read takes the inventory in the background.
func (p *Page) read() tea.Cmd {
	ctx := p.stock.env.Ctx
	read := p.stock.svc.Read
	gen := p.gen.Next()
	return func() tea.Msg {
		shelf, err := read(ctx)
		return page.Msg{To: ID, Gen: gen, Body: shelfMsg{shelf, err}}
	}
}

// later waits for the next look.
func (p *Page) later() tea.Cmd {
	ctx := p.stock.env.Ctx
	gen := p.tick.Next()
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(refresh):
			return page.Msg{To: ID, Gen: gen, Body: tickMsg{}}
		}
	}
}

// Receive takes an answer, unless a newer one was asked for.
func (p *Page) Receive(m page.Msg) tea.Cmd {
	switch m.Body.(type) {
	case shelfMsg:
		if !p.gen.Is(m.Gen) {
			return nil
		}
	case tickMsg:
		if !p.tick.Is(m.Gen) {
			return nil
		}
	}
	return p.Update(m.Body)
}

// Update takes an answer or a request.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case shelfMsg:
		p.stock.err = m.err
		if m.err == nil {
			p.stock.take(m.shelf)
		}
		p.table.list()
		if p.dossier.open != "" && p.dossier.opened() == nil {
			p.dossier.open = ""
		}
	case manifestMsg:
		if m.name == p.dossier.open {
			p.dossier.manifest = m.manifest
		}
	case tickMsg:
		return tea.Batch(p.read(), p.later())
	case progressMsg:
		return p.work.progressed(m)
	case endMsg:
		return p.ended(m)
	case Open:
		return p.dossier.openSet(m.Name)
	}
	return nil
}

// take shows another inventory.
func (p *stock) take(s *Shelf) {
	p.shelf = s
	p.steps = make(map[*backup.Set]backup.Step, len(s.Plan.Steps))
	for _, step := range s.Plan.Steps {
		p.steps[step.Set] = step
	}
}

// Open opens a backup, for other pages: page.Goto{Page: "backups", Body: Open{…}}.
type Open struct{ Name string }

func (p *dossier) openSet(name string) tea.Cmd {
	p.open = name
	p.manifest = nil
	p.planOpen = false
	p.detail = widget.Scroll{}
	s := p.opened()
	if s == nil || s.Foreign || s.AtCopy != "" || p.stock.svc.Manifest == nil {
		return nil
	}
	ctx, read := p.stock.env.Ctx, p.stock.svc.Manifest
	return func() tea.Msg {
		m, err := read(ctx, s)
		if err != nil {
			return nil // what is wrong with it is among its problems
		}
		return page.Msg{To: ID, Body: manifestMsg{name, m}}
	}
}

// opened is the opened backup, or nil for the list.
func (p *dossier) opened() *backup.Set {
	if p.open == "" || p.stock.shelf == nil {
		return nil
	}
	return p.stock.shelf.find(p.open)
}

// current is the backup that actions are about, or nil.
func (p *table) current() *backup.Set {
	if s := p.dossier.opened(); s != nil {
		return s
	}
	if p.scroll.Cursor < len(p.rows) {
		return p.rows[p.scroll.Cursor].set
	}
	return nil
}

// View draws the list, the plan or the opened backup.
func (p *Page) View(size page.Size) string {
	foot := p.work.jobLines(size.Width)
	if len(foot) >= size.Height {
		foot = foot[:max(0, size.Height-1)]
	}
	room := page.Size{Width: size.Width, Height: size.Height - len(foot)}
	var lines []string
	switch {
	case p.dossier.planOpen:
		lines = p.dossier.planLines(room)
	case p.dossier.opened() != nil:
		lines = p.dossier.detailView(p.dossier.opened(), room)
	default:
		lines = p.table.listView(room)
	}
	for len(lines) < room.Height {
		lines = append(lines, "")
	}
	return widget.Fill(append(lines[:room.Height], foot...), size)
}

// wire gives each part the ones that it works with.
func (p *Page) wire() {
	p.dossier.stock = &p.stock
	p.work.stock = &p.stock
	p.table.stock = &p.stock
	p.table.dossier = &p.dossier
	p.table.work = &p.work

}
