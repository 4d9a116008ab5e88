package restoreview

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
)

// Actions is the table of keys: those of the plan, or of the run.
func (p *Page) Actions() []page.Action {
	common := []page.Action{
		{
			ID:     "restore.statements",
			Keys:   []string{"enter"},
			Label:  lang.M("statements"),
			Help:   lang.M("all statements and commands of the marked step, to read and copy"),
			Footer: true,
			Off:    p.base.noPlan,
			Run:    p.asking.openStatements,
		},
		{
			ID:    "restore.copy",
			Keys:  []string{"y"},
			Label: lang.M("copy"),
			Help:  lang.M("copy the statements of the marked step"),
			Off:   p.base.noPlan,
			Run:   func() tea.Cmd { return page.Send(page.Copy{Text: strings.Join(p.base.statements(), "\n")}) },
		},
		{
			ID:     "restore.loss",
			Keys:   []string{"o"},
			Label:  lang.M("losses"),
			Help:   lang.M("rows newer than the backup that will be lost, table by table"),
			Footer: true,
			Off:    p.base.noPlan,
			Run:    p.asking.openLoss,
		},
		{
			ID:     "restore.rows",
			Keys:   []string{"i"},
			Label:  lang.M("row counts"),
			Help:   lang.M("each table's rows before the restore and in the backup, and its state by CHECK TABLE"),
			Footer: true,
			Off:    p.base.noPlan,
			Run:    p.asking.openRows,
		},
		{
			ID:    "restore.next",
			Keys:  []string{"right", "l", "n"},
			Label: lang.M("next step"),
			Help:  lang.M("mark the next step"),
			Run:   func() tea.Cmd { p.base.mark(1); return nil },
		},
		{
			ID:    "restore.previous",
			Keys:  []string{"left", "h", "p"},
			Label: lang.M("previous step"),
			Help:  lang.M("mark the previous step"),
			Run:   func() tea.Cmd { p.base.mark(-1); return nil },
		},
	}
	if p.base.watching() {
		return append(p.runActions(), common...)
	}
	actions := append(p.planActions(), p.healing.actions()...)
	if p.base.choice.Moment != nil || len(p.base.choice.Tables) > 0 {
		actions = append(actions, p.aloneAction())
	}
	if p.base.run != nil {
		actions = append(actions, p.undoAction())
	}
	return append(actions, common...)
}

// Later are the actions of a run while none is watched: one that was not looked at yet may
// have them.
func (p *Page) Later() (out []page.Action) {
	if p.base.watching() {
		return nil
	}
	other := *p
	if other.base.run == nil {
		other.base.run = &run.Run{}
	}
	for _, a := range other.runActions() {
		if a.Footer = false; a.ID == "restore.report" || a.ID == "restore.new" {
			continue
		}
		a.Off = nil
		if p.looked {
			a.Off = func() lang.Msg { return lang.M("not possible at this stage") }
		}
		out = append(out, a)
	}
	return out
}

// aloneAction leads back from a moment or chosen tables to the plan of the backup.
func (p *Page) aloneAction() page.Action {
	return page.Action{
		ID:     "restore.alone",
		Keys:   []string{"esc"},
		Label:  lang.M("only the backup"),
		Help:   lang.M("back to the plan for only the backup: no moment, all tables"),
		Footer: p.base.planErr != nil,
		Run: func() tea.Cmd {
			p.base.choice.Moment = nil
			p.base.choice.Tables = nil
			p.base.plan = nil
			return p.base.draft()
		},
	}
}

// undoAction takes the newest restore back, whatever plan is shown.
func (p *Page) undoAction() page.Action {
	return page.Action{
		ID:     "restore.undo",
		Keys:   []string{"Z"},
		Label:  lang.M("undo"),
		Help:   lang.M("undo the restore: return to the state before it"),
		Footer: p.base.run.Can(restore.KindUndo),
		Writes: true,
		Off:    p.base.can(restore.KindUndo),
		Run:    func() tea.Cmd { return p.asking.ask(restore.KindUndo) },
	}
}

// can tells why a request is not possible now.
func (p *base) can(k restore.Kind) func() lang.Msg {
	return func() lang.Msg {
		switch {
		case k == restore.KindUndo && !p.run.NoUndo.Empty():
			return p.run.NoUndo
		case !p.run.State.Can(k):
			return lang.M("not possible at this stage")
		case !p.pending.since.IsZero():
			return p.pending.what
		}
		return lang.Msg{}
	}
}

func (p *Page) planActions() []page.Action {
	return []page.Action{
		{
			ID:     "restore.begin",
			Keys:   []string{"B"},
			Label:  lang.M("start"),
			Help:   lang.M("execute the plan after you type the database's name"),
			Footer: true,
			Writes: true,
			Off:    p.asking.cannotBegin,
			Run:    p.asking.openBegin,
		},
		{
			ID:     "restore.backup",
			Keys:   []string{"b"},
			Label:  lang.M("backup"),
			Help:   lang.M("choose another backup"),
			Footer: true,
			Run:    func() tea.Cmd { return p.picking.loadSources("") },
		},
		{
			ID:     "restore.mode",
			Keys:   []string{"m"},
			Label:  lang.M("mode"),
			Help:   lang.M("swap the tables at the end, or load in place"),
			Footer: true,
			Off:    p.base.noPlan,
			Run: func() tea.Cmd {
				p.base.choice.Mode = restore.Swap
				if p.base.plan.Mode == restore.Swap {
					p.base.choice.Mode = restore.InPlace
				}
				return p.base.draft()
			},
		},
		{
			ID:     "restore.tables",
			Keys:   []string{"t"},
			Label:  lang.M("tables"),
			Help:   lang.M("the whole database, or some tables"),
			Footer: true,
			Off:    p.base.noPlan,
			Run:    p.asking.openTables,
		},
		{
			ID:    "restore.accept",
			Keys:  []string{"A"},
			Label: lang.M("accept"),
			Help: lang.M("accept that a table or another object is dropped or shrinks, by typing its name, one " +
				"at a time"),
			Footer: p.base.plan != nil && len(p.base.plan.OpenGaps()) > 0,
			Off:    p.asking.nothingToAccept,
			Run:    p.asking.openAccept,
		},
		{
			ID:     "restore.export",
			Keys:   []string{"e"},
			Label:  lang.M("export"),
			Help:   lang.M("write the rows that will be lost to files, for replay"),
			Footer: true,
			Off:    p.asking.cannotExport,
			Run:    p.asking.export,
		},
		{
			ID:     "restore.rescue",
			Keys:   []string{"s"},
			Label:  lang.M("rescue rows"),
			Help:   lang.M("compare one table with the backup, and restore chosen rows"),
			Writes: true,
			Off:    p.rescuer.cannotRescue,
			Run:    p.rescuer.openRescue,
		},
		{
			ID:    "restore.again",
			Keys:  []string{"r"},
			Label: lang.M("check again"),
			Help:  lang.M("check the target again and make a new plan"),
			Run:   p.base.draft,
		},
	}
}

func (p *Page) runActions() []page.Action {
	s := p.base.run.State
	return []page.Action{
		{
			ID:     "restore.answer",
			Keys:   []string{"a"},
			Label:  lang.M("response"),
			Help:   lang.M("answer the question of the restore"),
			Footer: s.Stage.Asks(),
			Writes: true,
			Off: func() lang.Msg {
				if !s.Stage.Asks() {
					return lang.M("there is no open question")
				}
				return lang.Msg{}
			},
			Run: func() tea.Cmd { return p.asking.openQuestion(false) },
		},
		{
			ID:     "restore.resume",
			Keys:   []string{"R"},
			Label:  lang.M("resume"),
			Help:   lang.M("resume a restore whose worker has exited"),
			Footer: p.base.running() && !p.base.run.Alive,
			Writes: true,
			Off: func() lang.Msg {
				switch {
				case !p.base.running() || p.base.run.Alive:
					return lang.M("it is running, or has ended")
				case p.base.begun:
					return p.base.pending.what
				}
				return lang.Msg{}
			},
			Run: func() tea.Cmd { return p.asking.ask(restore.KindResume) },
		},
		{
			ID:     "restore.abort",
			Keys:   []string{"X"},
			Label:  lang.M("abort"),
			Help:   lang.M("abort the restore and revert its changes"),
			Footer: s.Can(restore.KindAbort),
			Writes: true,
			Off:    p.base.can(restore.KindAbort),
			Run:    func() tea.Cmd { return p.asking.ask(restore.KindAbort) },
		},
		p.undoAction(),
		{
			ID:     "restore.drop",
			Keys:   []string{"D"},
			Label:  dropLabel(s),
			Help:   lang.M("drop the tables that are kept beside the database"),
			Footer: s.Can(restore.KindDrop),
			Writes: true,
			Off:    p.base.can(restore.KindDrop),
			Run:    func() tea.Cmd { return p.asking.ask(restore.KindDrop) },
		},
		{
			ID:    "restore.report",
			Keys:  []string{"v"},
			Label: lang.M("report"),
			Help:  lang.M("read the report of the restore so far"),
			Run:   p.asking.openReport,
		},
		{
			ID:     "restore.new",
			Keys:   []string{"N"},
			Label:  lang.M("new plan"),
			Help:   lang.M("plan a new restore"),
			Footer: !p.base.running(),
			Off: func() lang.Msg {
				if p.base.running() {
					return lang.M("a restore is running: finish it first")
				}
				return lang.Msg{}
			},
			Run: func() tea.Cmd {
				p.base.fresh = true
				p.base.choice = restore.Choice{}
				p.base.plan = nil
				return p.base.draft()
			},
		},
	}
}

func (p *base) noPlan() lang.Msg {
	if p.shownPlan() == nil {
		return lang.M("there is no plan yet")
	}
	return lang.Msg{}
}

func (p *asking) cannotBegin() lang.Msg {
	switch {
	case !p.base.since.IsZero():
		return lang.M("still checking the target")
	case p.base.plan == nil:
		return lang.M("there is no plan yet")
	case p.base.begun:
		return lang.M("starting")
	case !p.base.saving.IsZero():
		return lang.M("what will be lost is being exported")
	}
	for _, f := range p.base.plan.Findings {
		if f.Blocks {
			return f.What.Msg
		}
	}
	return lang.Msg{}
}

// mark moves the mark by hand; it then stays where it is put.
func (p *base) mark(n int) {
	p.step = max(0, min(6, p.step+n))
	p.follow = p.watching() && p.step == int(p.run.State.Stage.Step())-1
	p.scroll = 0
}

// early takes a key while the plan of a start is made anew.
func (p *asking) early(k tea.KeyMsg) tea.Cmd {
	if k.String() == "esc" {
		p.base.starting = false
		return page.Send(page.Notice{State: ops.StateOK, Text: lang.M("the restore will not be started")})
	}
	return page.Send(page.Notice{State: ops.StateWarning,
		Text: lang.M("that key was pressed before the question appeared: press it again")})
}

// Key moves the mark and scrolls.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	if p.base.starting {
		return p.asking.early(k)
	}
	switch k.String() {
	case "up", "k":
		p.base.mark(-1)
	case "down", "j":
		p.base.mark(1)
	case "pgdown", " ":
		p.base.scroll += max(1, p.sheet.rightH-1)
	case "pgup":
		p.base.scroll -= max(1, p.sheet.rightH-1)
	case "home", "g":
		p.base.scroll = 0
	case "end", "G":
		p.base.scroll = p.sheet.rightN
	}
	p.base.scroll = max(0, min(p.base.scroll, p.sheet.rightN-p.sheet.rightH))
	return nil
}
