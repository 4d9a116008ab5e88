package restoreview

import (
	"context"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
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
			Label:  lang.M("tables now"),
			Help:   lang.M("each table's rows now and in the backup, and its state by CHECK TABLE"),
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

// aloneAction leads back from a moment or chosen tables to the plan of the backup.
func (p *Page) aloneAction() page.Action {
	return page.Action{
		ID:     "restore.alone",
		Keys:   []string{"esc"},
		Label:  lang.M("only the backup"),
		Help:   lang.M("back to the plan for only the backup: no moment, all tables"),
		Footer: p.base.planErr != nil,
		Run: func() tea.Cmd {
			p.base.choice.Moment, p.base.choice.Tables, p.base.plan = nil, nil, nil
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
		Footer: p.base.run.State.Can(restore.KindUndo),
		Writes: true,
		Off:    p.base.can(restore.KindUndo),
		Run:    func() tea.Cmd { return p.asking.ask(restore.KindUndo) },
	}
}

// can tells why a request is not possible now.
func (p *base) can(k restore.Kind) func() lang.Msg {
	return func() lang.Msg {
		switch {
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
			ID:     "restore.accept",
			Keys:   []string{"A"},
			Label:  lang.M("accept"),
			Help:   lang.M("accept that a table is dropped or shrinks, by typing its name, one at a time"),
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
				p.base.fresh, p.base.choice, p.base.plan = true, restore.Choice{}, nil
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
	p.follow, p.scroll = p.watching() && p.step == int(p.run.State.Stage.Step())-1, 0
}

// Key moves the mark and scrolls.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
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

func (p *base) shownPlan() *restore.Plan {
	if p.watching() {
		return p.run.Plan
	}
	return p.plan
}

func (p *base) statements() []string {
	if p.shownPlan() == nil {
		return nil
	}
	return p.text(restore.AllSteps[p.step]).Statements
}

// text is what is to be said of a step, in the plan or in the run as it stands.
func (p *base) text(step restore.Step) restore.StepText {
	if p.watching() {
		return p.run.Plan.TextOf(step, p.run.State)
	}
	return p.plan.TextOf(step, restore.New(p.plan))
}

func (p *asking) openStatements() tea.Cmd {
	var lines []string
	for _, s := range p.base.statements() {
		lines = append(lines, strings.Split(termsafe.Text(s), "\n")...)
	}
	if len(lines) == 0 {
		lines = []string{p.base.env.T("This step runs nothing.")}
	}
	title := lang.M("%d %s: statements and commands", p.base.step+1, restore.AllSteps[p.base.step].Label())
	all := strings.Join(p.base.statements(), "\n")
	return page.Send(page.Open{Overlay: widget.NewText(p.base.env, title, lines, all)})
}

// openBegin asks for the database's name, and says what it means.
func (p *asking) openBegin() tea.Cmd {
	plan, desk := p.base.plan, p.base.desk
	body := []lang.Msg{
		lang.M("%s will have the state of %s.", plan.Target.Database, p.base.env.Time(plan.Source.At)),
		lang.M("Backup %s, mode %s, server %s.", plan.Source.Name, plan.Mode.Label(), plan.Target.Address),
	}
	if plan.Assessment != nil {
		body = append(body, lossWords(plan)...)
	}
	db := plan.Target.Database
	begin := func() tea.Cmd {
		p.base.follow = true
		return p.base.request(func(ctx context.Context) error { return desk.Begin(ctx, plan, db) })
	}
	confirm := widget.NewConfirm(p.base.env, lang.M("Start the restore"), body, db, begin)
	return page.Send(page.Open{Overlay: confirm})
}

// ask confirms a request and hands it to the worker, or to a new one.
func (p *asking) ask(kind restore.Kind) tea.Cmd {
	r := p.base.run
	do := func() tea.Cmd { return p.hand(r, kind, r.Plan.Target.Database) }
	if who := r.LastBy(); kind == restore.KindResume && (who == "" || who == p.base.desk.Me()) {
		return do()
	}
	if kind == restore.KindUndo && r.State.Swapped {
		return p.countLater(r)
	}
	label := kind.Label()
	if kind == restore.KindDrop {
		_, holds := r.Plan.Drops(r.State)
		label = lang.M("drop %s", holds)
	}
	confirm := widget.NewConfirm(p.base.env, label, p.consequences(kind), r.Plan.Target.Database, do)
	return page.Send(page.Open{Overlay: confirm})
}

// dropLabel says what the key drops: after an undo it is the restored tables.
func dropLabel(s restore.Snapshot) lang.Msg {
	switch {
	case s.Loaded:
		return lang.M("drop loaded")
	case s.Stage.Back():
		return lang.M("drop restored")
	}
	return lang.M("drop old")
}

func (p *asking) consequences(kind restore.Kind) []lang.Msg {
	plan := p.base.run.Plan
	switch kind {
	case restore.KindResume:
		return []lang.Msg{lang.M("The restore %s of %s belongs to %s; its worker exited in step %d: %s. You take "+
			"it over.",
			plan.ID, plan.Target.Database, p.base.run.LastBy(),
			int(p.base.run.State.Stage.Step()), p.base.run.State.Stage.Label())}
	case restore.KindUndo:
		out := []lang.Msg{lang.M("Rows written since the restore are exported, then removed from the live database.")}
		return append(append(out, plan.Back(restore.StepRestart)), plan.UndoTexts(p.base.run.State)...)
	case restore.KindDrop:
		database, holds := plan.Drops(p.base.run.State)
		out := []lang.Msg{lang.M("The database %s is dropped: %s.", database, holds)}
		if p.base.run.State.Can(restore.KindUndo) {
			out = append(out, lang.M("After that there is no undo."))
		}
		if p.base.run.State.Stage == restore.Undone {
			out = append(out, plan.UndoneTexts(p.base.run.State)...)
		}
		return out
	}
	return []lang.Msg{plan.Back(p.base.run.State.Stage.Step())}
}

func (p *asking) hand(r *run.Run, kind restore.Kind, typed string) tea.Cmd {
	desk, id, seq, alive := p.base.desk, r.Plan.ID, r.State.Seq, r.Alive
	p.base.follow, p.base.fresh = true, false // a plan that was shown makes room for the run
	if kind == restore.KindAbort {
		seq = 0
	}
	return p.base.request(func(ctx context.Context) error {
		if !alive {
			return desk.Work(ctx, id, kind)
		}
		return desk.Send(ctx, id, run.Request{Seq: seq, Event: restore.Event{Kind: kind, Typed: typed}})
	})
}

// answerKeys are the keys of the answers in the question's dialog.
var answerKeys = map[restore.Kind]string{
	restore.KindRetry: "r", restore.KindAbort: "x", restore.KindSkip: "s", restore.KindKill: "k", restore.KindGoOn: "g",
	restore.KindUndo:   "u",
	restore.KindKeep:   "e",
	restore.KindSend:   "y",
	restore.KindSilent: "n",
	restore.KindLeave:  "l",
}

// openQuestion opens the dialog of the present question. When it opens by
// itself it is guarded: keys typed before it showed do nothing.
func (p *asking) openQuestion(guarded bool) tea.Cmd {
	r := p.base.run
	var body []lang.Msg
	for _, n := range r.State.Why {
		body = append(body, n.Msg)
	}
	if r.State.Stage == restore.AskNotify {
		body = []lang.Msg{
			lang.M("This would be sent to %s:", strings.Join(r.Plan.Notify, ", ")),
			lang.Raw(r.State.Data.Text),
			lang.M("Mail and plain webhooks also get the whole report: %s", r.State.Data.Report),
		}
	}
	var choices []widget.Choice
	for _, k := range r.State.Answers() {
		choices = append(choices, widget.Choice{Key: answerKeys[k], Label: r.State.Label(k), Run: func() tea.Cmd {
			if !r.State.NeedsTyping(k) && k != restore.KindUndo {
				return p.hand(r, k, r.Plan.Target.Database)
			}
			return p.openDialog(
				r,
				widget.NewConfirm(p.base.env, r.State.Label(k), body, r.Plan.Target.Database, func() tea.Cmd {
					return p.hand(r, k, r.Plan.Target.Database)
				}),
			)
		}})
	}
	if r.State.Data.Report != "" {
		choices = append(choices, widget.Choice{Key: "v", Label: lang.M("read the report"), Run: p.openReport})
	}
	title := lang.M("%d %s: a question", int(r.State.Stage.Step()), r.State.Stage.Step().Label())
	return p.openDialog(r, widget.NewAsk(p.base.env, title, body, guarded, choices...))
}

// openReport shows the run's report, as it is known now.
func (p *asking) openReport() tea.Cmd {
	s, ended := p.base.run.State, p.base.env.Clock.Now()
	if n := len(s.Trail); n > 0 && s.Stage.Final() {
		ended = s.Trail[n-1].Begin
	}
	text := termsafe.Text(report.Tell(p.base.run.Plan, s, ended).Markdown(p.base.env.Lang))
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		lines = append(lines, cells.Wrap(l, reportWidth)...)
	}
	return page.Send(page.Open{Overlay: widget.NewText(p.base.env, lang.M("report"), lines, text)})
}

// reportWidth is how wide the lines of a shown report are at most.
const reportWidth = 76

// question is a dialog that asks what a run asked, and which of its questions.
type question struct {
	page.Overlay
	id  string
	seq int
}

func (p *asking) openDialog(r *run.Run, o page.Overlay) tea.Cmd {
	p.dialog = question{o, r.Plan.ID, r.State.Seq}
	return page.Send(page.Open{Overlay: o})
}

// closeStale takes the dialog away when its question is answered, by somebody
// else or the flags, or when nobody waits for the answer any more.
func (p *asking) closeStale() tea.Cmd {
	q, r := p.dialog, p.base.run
	if q.Overlay == nil || r != nil && r.Alive && r.Plan.ID == q.id && r.State.Seq == q.seq {
		return nil
	}
	p.dialog = question{}
	return page.Send(page.Close{Overlay: q.Overlay})
}

func (p *asking) openTables() tea.Cmd {
	var rows []pick
	for _, t := range p.base.plan.Source.Tables {
		rows = append(
			rows,
			pick{
				id:   t.Name,
				text: termsafe.Line(t.Name) + "  " + p.base.env.T("%s rows", human.Count(t.Rows)),
				on:   slices.Contains(p.base.plan.Tables, t.Name),
			},
		)
	}
	return page.Send(
		page.Open{
			Overlay: newPicker(
				p.base.env,
				lang.M("Choose tables; none is the whole database"),
				rows,
				true,
				func(ids []string) tea.Cmd {
					p.base.choice.Tables = ids
					return p.base.draft()
				},
			),
		},
	)
}
