// Package statusview is the Status tab: every check of every service with its
// state, latency and history, and one check opened with all that it saw. It also
// sends the verdict, shown or not.
package statusview

import (
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Source is where the standings come from: a health.Monitor.
type Source interface {
	Report() health.Report
	Rule() health.Rule
	Signal() (<-chan struct{}, func())
	Now()
	Close()
}

// ID is the page's address.
const ID = "status"

// twoLines is the room for the verdict in a terminal of 80 columns: what to do
// next ends the sentence and must be seen.
const twoLines = 148

// frame is how long a burst of answers is gathered before it is drawn.
const frame = 33 * time.Millisecond

// Page is the tab.
type Page struct {
	look    look
	dossier dossier
	table   table
	face    health.Face
	signal  <-chan struct{}
	end     func()
	verdict string         // as last sent
	lead    string         // the check that the verdict speaks of first
	alerts  Alerts         // nil where there are none
	deploy  func() tea.Cmd // opens the deployment; nil where there is none
}

// Open opens a check, for other pages: page.Goto{Page: "status", Body: Open{…}}.
type Open struct{ Check string }

// New makes the tab.
func New(env *page.Env, source Source) *Page {
	p := &Page{
		look:  look{env: env, source: source, latencies: map[string]time.Duration{}},
		table: table{input: widget.NewInput("/", "")},
	}
	p.wire()
	p.face = health.CommandFace() // until Hint knows better
	p.face.Longest = twoLines
	p.signal, p.end = source.Signal()
	p.table.take(source.Report())
	p.verdictNow()
	return p
}

// Hint tells the verdict which digits bring the console's other tabs, in their
// order, to the front. Those show one service: for another it is switched first.
func (p *Page) Hint(pages []page.Page) {
	tabs := map[string]string{}
	for i, other := range pages {
		tabs[other.ID()] = strconv.Itoa(i + 1)
	}
	if digit := tabs["restore"]; digit != "" {
		p.face.Restore = lang.M("Press %s to restore.", digit)
	}
	if digit := tabs["backups"]; digit != "" {
		p.face.Backup = lang.M("Press %s to make a backup.", digit)
	}
	if digit := tabs[ID]; digit != "" {
		p.face.Look = lang.M("Press %s and enter for more.", digit)
	}
	p.face.Of = func(service string) health.Face {
		face := p.face
		if service != p.look.env.Service {
			face.Restore = lang.M("Press 0 for %s, then %s to restore.", service, tabs["restore"])
			face.Backup = lang.M("Press 0 for %s, then %s to make a backup.", service, tabs["backups"])
		}
		return face
	}
}

func (p *Page) ID() string       { return ID }
func (p *Page) Title() lang.Msg  { return lang.M("Status") }
func (p *Page) TakingText() bool { return p.table.typing }
func (p *Page) Init() tea.Cmd    { return tea.Batch(p.wait(), p.judge()) }
func (p *Page) Show() tea.Cmd    { p.toLead(); return nil }
func (p *Page) Hide()            { p.table.typing = false }
func (p *Page) Close()           { p.end(); p.look.source.Close() }

// Again leaves the opened check for the list.
func (p *Page) Again() tea.Cmd {
	p.dossier.open = ""
	p.toLead()
	return nil
}

// toLead brings the cursor to the check that the verdict speaks of first: it says that this
// tab's digit and enter show more of it.
func (p *Page) toLead() {
	p.table.moved = false
	if p.lead != "" {
		p.table.choose(p.lead)
	}
}

// newsMsg brings the standings after something was looked at.
type newsMsg struct {
	report   health.Report
	silences []alert.Silence
}

// wait parks until something was looked at.
func (p *Page) wait() tea.Cmd {
	ctx := p.look.env.Ctx
	signal := p.signal
	source := p.look.source
	silences := func() []alert.Silence { return nil }
	if p.alerts != nil {
		silences = p.alerts.Silences
	}
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(frame):
		}
		return page.Msg{To: ID, Body: newsMsg{source.Report(), silences()}}
	}
}

// Update takes news, and requests of other pages.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case newsMsg:
		p.look.silences = m.silences
		p.table.take(m.report)
		return tea.Batch(p.wait(), p.judge())
	case silencesMsg:
		p.look.silences = m
	case page.Rezoned:
		return p.judge()
	case page.Room:
		p.face.Longest = m.Verdict
		return p.judge()
	case page.Changed:
		p.look.source.Now()
	case Open:
		p.dossier.openCheck(m.Check)
	}
	return nil
}

// verdictNow is the verdict of what was seen last. Until a person moves the cursor it is on
// the check that the verdict speaks of first.
func (p *Page) verdictNow() health.Verdict {
	p.face.Zone = p.look.env.Zone
	v := health.Judge(p.look.report, p.face)
	p.lead = v.Lead
	if p.lead != "" && !p.table.moved {
		p.table.choose(p.lead)
	}
	return v
}

// judge sends the verdict when its words changed.
func (p *Page) judge() tea.Cmd {
	v := p.verdictNow()
	said := v.State.String() + v.Text.String()
	if said == p.verdict {
		return nil
	}
	p.verdict = said
	return page.Send(page.Verdict{State: v.State, Text: v.Text})
}

// row is a line of the list: a service's name or a check.
type row struct {
	service string
	check   *health.Standing // nil for a service's name
}

// take lists a report's standings anew.
func (p *table) take(r health.Report) {
	p.look.report = r
	p.look.steady()
	p.rows = p.rows[:0]
	several := severalServices(r)
	last := ""
	for i := range r.Standings {
		s := &r.Standings[i]
		if !p.listed(s) {
			continue
		}
		if several && s.Check.Service != last {
			last = s.Check.Service
			p.rows = append(p.rows, row{service: last})
		}
		p.rows = append(p.rows, row{service: s.Check.Service, check: s})
	}
	p.keepCursor()
}

func severalServices(r health.Report) bool {
	for _, s := range r.Standings {
		if s.Check.Service != r.Standings[0].Check.Service {
			return true
		}
	}
	return false
}

// listed tells whether a check passes the filter: every word must be in its
// service, name, kind, state or detail.
func (p *table) listed(s *health.Standing) bool {
	if p.bad && s.Seen() && s.State == ops.StateOK {
		return false
	}
	if p.filter == "" {
		return true
	}
	words := []string{
		s.Check.ID(),
		string(s.Check.Kind),
		s.State.String(),
		p.look.env.Lang.Msg(s.State.Label()),
		p.look.say(s.Last.Detail),
	}
	return widget.Holds(strings.Join(words, " "), p.filter)
}

// say writes a sentence with its moments in the console's zone.
func (p *look) say(m lang.Msg) string {
	return termsafe.Line(p.env.Lang.Msg(health.In(m, p.env.Clock.Now(), p.env.Zone)))
}

// keepCursor puts the cursor back on the check it was on.
func (p *table) keepCursor() {
	p.scroll.Len = len(p.rows)
	for i, r := range p.rows {
		if r.check != nil && r.check.Check.ID() == p.chosen {
			p.scroll.Cursor = i
		}
	}
	p.settle(1)
}

// choose puts the cursor on a check, if it is listed.
func (p *table) choose(id string) {
	p.chosen = id
	p.keepCursor()
}

// settle notes the check under the cursor; a service's name is stepped over.
func (p *table) settle(step int) {
	p.scroll.Move(0)
	if p.scroll.Cursor < len(p.rows) && p.rows[p.scroll.Cursor].check == nil {
		before := p.scroll.Cursor
		p.scroll.Move(step)
		if p.scroll.Cursor == before { // at the top there is only downwards
			p.scroll.Move(-step)
		}
	}
	if c := p.scroll.Cursor; c > 0 && c == p.scroll.Top && p.rows[c-1].check == nil {
		p.scroll.Top-- // a service's name stays in sight with its first check
	}
	p.chosen = ""
	if s := p.current(); s != nil {
		p.chosen = s.Check.ID()
	}
}

// current is the check under the cursor, or nil.
func (p *table) current() *health.Standing {
	if p.scroll.Cursor < len(p.rows) {
		return p.rows[p.scroll.Cursor].check
	}
	return nil
}

// opened is the opened check, or nil for the list.
func (p *dossier) opened() *health.Standing {
	for i := range p.look.report.Standings {
		if s := &p.look.report.Standings[i]; p.open != "" && s.Check.ID() == p.open {
			return s
		}
	}
	return nil
}

func (p *dossier) openCheck(id string) {
	for i := range p.look.report.Standings {
		if c := p.look.report.Standings[i].Check; c.ID() == id || c.Name == id && c.Service == p.look.env.Service {
			p.open = c.ID()
			p.detail = widget.Scroll{}
			p.command = 0
			return
		}
	}
}

// View draws the list, or the opened check.
func (p *Page) View(size page.Size) string {
	if s := p.dossier.opened(); s != nil {
		return p.dossier.viewDetail(s, size)
	}
	return p.table.viewList(size)
}

// wire gives each part the ones that it works with.
func (p *Page) wire() {
	p.dossier.look = &p.look
	p.table.look = &p.look
	p.table.dossier = &p.dossier

}
