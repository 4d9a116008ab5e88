// Package restoreview is the Restore tab: the plan of the seven steps, the
// confirmation, and the restore as it runs, here or by somebody else.
package restoreview

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
)

// ID is the page's address.
const ID = "restore"

// Desk is what the tab works with.
type Desk interface {
	// Me is the operator at this console, as the journal names one.
	Me() string
	// Copies are the names of the copies that backups can be fetched from.
	Copies() []string
	// Sources are the backups to choose from, at a copy ("" is here), the
	// proposed one first.
	Sources(ctx context.Context, at string) ([]restore.Source, error)
	// Draft makes the plan of a choice after a look at the target.
	Draft(ctx context.Context, c restore.Choice) (*restore.Plan, error)
	// Export writes the rows that a plan will lose to files, and returns the plan
	// that names them; the given one stays as it is.
	Export(ctx context.Context, p *restore.Plan) (*restore.Plan, error)
	// Rescue compares a table with its copy in the plan's backup and, when merge
	// says which rows, puts them into the live one. Its text is in the language of l.
	Rescue(ctx context.Context, l *lang.Printer, p *restore.Plan, table, merge string) (restore.RescueShown, error)
	// Database is the database that is restored.
	Database() string
	// Reach is how close to the present a restore can come.
	Reach(ctx context.Context) (restore.Reach, error)
	// Rewind plans to take a transaction back; with the hash of that plan it does it,
	// and treats rows that were changed since as conflicts says.
	// CanRollTo is an error where no backup can be rolled forward to a transaction.
	CanRollTo(ctx context.Context, t *binlog.Transaction) error
	Rewind(ctx context.Context, l *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error)
	// Begin executes a plan; typed is what the person typed.
	Begin(ctx context.Context, p *restore.Plan, typed string) error
	// Work starts a worker on a run that has none.
	Work(ctx context.Context, id string, first restore.Kind) error
	// Run tells how a run stands; an empty id is the newest. Without any it is nil.
	Run(ctx context.Context, id string) (*run.Run, error)
	// Later counts what was written since a restore: what its undo would lose.
	Later(ctx context.Context, r *run.Run) (restore.Loss, error)
	// Send leaves a request for the worker of a run.
	Send(ctx context.Context, id string, q run.Request) error
}

// watchEvery is how often a run is looked at while it is shown.
const watchEvery = 250 * time.Millisecond

// Page is the tab.
type Page struct {
	base    base
	sheet   sheet
	rescuer rescuer
	picking picking
	asking  asking
	healing healing
	eyes    page.Gen // of looks at the run
	looked  bool     // it is known which run was there first, if any
}

// New makes the tab.
func New(env *page.Env, desk Desk) *Page {
	p := &Page{base: base{env: env, desk: desk, follow: true, asked: -1}}
	p.wire()
	return p
}

func (p *Page) ID() string      { return ID }
func (p *Page) Title() lang.Msg { return lang.M("Restore") }
func (p *Page) Init() tea.Cmd   { return nil }
func (p *Page) Hide()           { p.base.shown = false; p.eyes.Next() }

// TakingText keeps keys for the page while the plan of a start is made anew: what is typed before
// the question appears, its name as a rule, does nothing else.
func (p *Page) TakingText() bool { return p.base.starting }

// planAge is how old a plan may be when the tab is shown again.
const planAge = time.Minute

// Show looks at the newest run, and plans when there is none to watch; an older
// plan is made anew, for there may be a newer backup by now. One whose losses
// were exported is kept.
func (p *Page) Show() tea.Cmd {
	p.base.shown = true
	plan := p.base.plan
	if plan != nil && len(plan.Exported) == 0 && p.base.env.Clock.Now().Sub(plan.CreatedAt) > planAge {
		p.base.plan = nil
	}
	return p.look(0)
}

// Messages of the tab.
type (
	runMsg struct {
		run *run.Run
		err error
	}
	planMsg struct {
		plan  *restore.Plan
		reach restore.Reach
		err   error
	}
	sourcesMsg struct {
		at   string
		list []restore.Source
		err  error
	}
	exportedMsg struct {
		plan *restore.Plan
		err  error
	}
	laterMsg struct {
		run  *run.Run
		loss restore.Loss
		err  error
	}
	sentMsg struct{ err error }
)

// Receive drops answers to older questions.
func (p *Page) Receive(m page.Msg) tea.Cmd {
	switch m.Body.(type) {
	case sourcesMsg:
		if !p.base.lists.Is(m.Gen) {
			return nil
		}
	case planMsg, exportedMsg:
		if !p.base.gen.Is(m.Gen) {
			return nil
		}
	case runMsg:
		if !p.eyes.Is(m.Gen) {
			return nil
		}
	}
	return p.Update(m.Body)
}

// Update takes answers, and the name of a backup that another page sends.
func (p *Page) Update(body any) tea.Cmd {
	switch m := body.(type) {
	case runMsg:
		return p.seeRun(m)
	case planMsg:
		p.base.since = time.Time{}
		keepExport(p.base.plan, m.plan)
		p.base.plan = m.plan
		p.base.reach = m.reach
		p.base.planErr = m.err
		if ops.CodeOf(p.base.problem) == ops.Usage {
			p.base.problem = nil // it asked for a plan
		}
		if p.base.starting {
			p.base.starting = false
			return p.asking.beginAgain()
		}
		return nil
	case sourcesMsg:
		return p.picking.seeSources(m)
	case exportedMsg:
		return p.asking.seeExport(m)
	case curesMsg:
		return p.healing.showCures(m)
	case rewoundMsg:
		return p.healing.seeRewound(m)
	case *binlog.Transaction:
		return p.heal(m)
	case rescuedMsg:
		return p.rescuer.seeRescue(m)
	case laterMsg:
		return p.asking.confirmUndo(m)
	case sentMsg:
		p.base.begun = false
		p.base.problem = m.err
		p.base.pending = pending{}
		return p.look(0)
	case string:
		if p.base.running() {
			return page.Send(page.Notice{State: ops.StateWarning,
				Text: lang.M("a restore is running: finish it first")})
		}
		p.base.fresh = true
		p.base.choice = restore.Choice{Source: m}
		p.base.plan = nil
		return p.base.draft()
	}
	return nil
}

// heal makes a plan for an accident that another tab names, and asks how to heal it.
func (p *Page) heal(t *binlog.Transaction) tea.Cmd {
	if p.base.running() {
		return page.Send(page.Notice{State: ops.StateWarning, Text: lang.M("a restore is running: finish it first")})
	}
	p.base.fresh = true
	p.base.choice = restore.Choice{}
	p.base.plan = nil
	return tea.Batch(p.base.draft(), p.healing.openCures(t))
}

// look asks how the run stands, after a while. One that is over may have been
// followed by another, begun here or by somebody else.
func (p *Page) look(after time.Duration) tea.Cmd {
	ctx := p.base.env.Ctx
	desk := p.base.desk
	gen := p.eyes.Next()
	id := ""
	if p.base.running() && !p.base.begun {
		id = p.base.run.Plan.ID
	}
	return func() tea.Msg {
		if after > 0 {
			select {
			case <-time.After(after):
			case <-ctx.Done():
				return nil
			}
		}
		r, err := desk.Run(ctx, id)
		return page.Msg{To: ID, Gen: gen, Body: runMsg{r, err}}
	}
}

// seeRun takes in how the run stands, opens the dialog of a new question, and
// goes on looking while that is worth it.
func (p *Page) seeRun(m runMsg) tea.Cmd {
	if m.run != nil && p.looked && (p.base.run == nil || m.run.Plan.ID != p.base.run.Plan.ID) {
		p.base.fresh = false
		p.base.asked = -1
		p.base.follow = true
		p.base.scroll = 0
	}
	cmds := []tea.Cmd{}
	if p.moved(m.run) {
		cmds = append(cmds, page.Send(page.Changed{}))
	}
	p.base.run = m.run
	p.base.runErr = m.err
	p.looked = p.looked || m.err == nil
	cmds = append(cmds, p.asking.closeStale())
	if p.base.planning() && p.base.plan == nil && p.base.since.IsZero() && p.base.planErr == nil {
		cmds = append(cmds, p.base.draft())
	}
	if p.base.watching() {
		if p.base.follow {
			p.base.step = int(p.base.run.State.Stage.Step()) - 1
		}
		s := p.base.run.State
		unasked := p.base.run.Alive && s.Stage.Asks() && p.base.asked != s.Seq
		if unasked && p.base.shown && !p.base.env.ReadOnly {
			p.base.asked = s.Seq
			cmds = append(cmds, p.asking.openQuestion(true))
		}
	}
	if p.base.shown {
		wait := watchEvery
		if !p.base.running() {
			wait = 8 * watchEvery
		}
		cmds = append(cmds, p.look(wait))
	}
	return tea.Batch(cmds...)
}

// moved tells whether a run began, ended, asks or was answered since the last look:
// then the checks say something else.
func (p *Page) moved(run *run.Run) bool {
	was := p.base.run
	if !p.looked || run == nil {
		return false
	}
	if was == nil || was.Plan.ID != run.Plan.ID {
		return true
	}
	return was.Open() != run.Open() || was.Alive != run.Alive || was.State.Stage.Asks() != run.State.Stage.Asks()
}

// running tells that a restore was begun and is not over.
func (p *base) running() bool { return p.run != nil && p.run.Open() }

// watching tells that the run is what is shown.
func (p *base) watching() bool {
	return p.run != nil && p.run.State.Stage != restore.Planned && (p.running() || !p.fresh)
}

// planning tells that the plan is what is shown.
func (p *base) planning() bool { return !p.watching() }

// pending is something that a key asked for and that has no answer yet.
type pending struct {
	what  lang.Msg
	since time.Time // zero: nothing is
}

// draft makes the plan anew.
func (p *base) draft() tea.Cmd {
	ctx := p.env.Ctx
	desk := p.desk
	c := p.choice
	gen := p.gen.Next()
	p.since = p.env.Clock.Now()
	p.planErr = nil
	p.problem = nil
	p.step = 0
	p.scroll = 0
	p.looking, _ = lookingAt{}, p.lists.Next()
	p.saving = time.Time{}
	p.starting = false
	return func() tea.Msg {
		plan, err := desk.Draft(ctx, c)
		return page.Msg{To: ID, Gen: gen, Body: planMsg{plan, reached(ctx, desk), err}}
	}
}

// request does something that changes the run, off the console's goroutine.
func (p *base) request(do func(ctx context.Context) error) tea.Cmd {
	ctx := p.env.Ctx
	p.begun, p.problem = true, nil
	p.pending = pending{lang.M("Handing over to the worker …"), p.env.Clock.Now()}
	return func() tea.Msg { return page.Msg{To: ID, Body: sentMsg{do(ctx)}} }
}

// Busy keeps nobody from leaving: the worker goes on without the console.
func (p *Page) Busy() (lang.Msg, bool) { return lang.Msg{}, false }

// wire gives each part the ones that it works with.
func (p *Page) wire() {
	p.sheet.base = &p.base
	p.sheet.rescuer = &p.rescuer
	p.rescuer.base = &p.base
	p.picking.base = &p.base
	p.asking.base = &p.base
	p.healing.base = &p.base
	p.sheet.healing = &p.healing
}
