package restoreview

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

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
	list := slices.Clone(p.text(restore.AllSteps[p.step]).Statements)
	for i, s := range list {
		list[i] = p.env.Command(s)
	}
	return list
}

// text is what to say about a step, in the plan or in the current run.
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

// planStays is how long the figures of a plan are taken for those of now.
const planStays = 30 * time.Second

// stale tells that the plan that is shown is of a while ago: rows were written since, and the server
// may be down.
func (p *base) stale() bool {
	return p.planning() && p.plan != nil && p.env.Clock.Now().Sub(p.plan.CreatedAt) > planStays
}

// openBegin asks for the database's name. A plan of a while ago is made anew first: nobody confirms
// the losses of then.
func (p *asking) openBegin() tea.Cmd {
	if !p.base.stale() {
		return p.confirmBegin()
	}
	at := p.base.plan.CreatedAt
	again := p.base.draft()
	p.base.starting = true
	return tea.Batch(again, page.Send(page.Notice{State: ops.StateOK,
		Text: lang.M("the plan is of %s: checking again before the start …", p.base.env.Time(at))}))
}

// beginAgain goes on with the start for which a plan was made anew.
func (p *asking) beginAgain() tea.Cmd {
	switch why := p.cannotBegin(); {
	case !p.base.shown || p.base.planErr != nil || p.base.watching(): // the page says why
		return nil
	case !why.Empty():
		return page.Send(page.Notice{State: ops.StateWarning, Text: lang.M("the restore cannot start: %s", why)})
	}
	return p.confirmBegin()
}

// confirmBegin asks for the database's name, and says what it means.
func (p *asking) confirmBegin() tea.Cmd {
	plan, desk := p.base.plan, p.base.desk
	body := []lang.Msg{
		lang.M("%s will have the state of %s.", plan.Target.Database, p.base.env.Time(plan.Source.At)),
		lang.M("Backup %s, mode %s, server %s.", plan.Source.Name, plan.Mode.Label(), plan.Target.Address),
	}
	if plan.Assessment != nil {
		body = append(body, lossWords(plan, p.base.env.Time)...)
		body = append(body, lang.M("Counted at %s.", p.base.env.Time(plan.CreatedAt)))
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
	do := func() tea.Cmd { return p.handOver(r, kind, r.Plan.Target.Database) }
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
	case s.Unswapped():
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

func (p *asking) handOver(r *run.Run, kind restore.Kind, typed string) tea.Cmd {
	desk := p.base.desk
	id := r.Plan.ID
	seq := r.State.Seq
	alive := r.Alive
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
	for _, k := range r.Answers() {
		choices = append(choices, widget.Choice{Key: answerKeys[k], Label: r.State.Label(k), Run: func() tea.Cmd {
			if !confirmed(r, k) {
				return p.handOver(r, k, r.Plan.Target.Database)
			}
			return p.openDialog(r, widget.NewConfirm(p.base.env, r.State.Label(k), p.confirms(k, body),
				r.Plan.Target.Database, func() tea.Cmd { return p.handOver(r, k, r.Plan.Target.Database) }))
		}})
	}
	if r.State.Data.Report != "" {
		choices = append(choices, widget.Choice{Key: "v", Label: lang.M("read the report"), Run: p.openReport})
	}
	title := lang.M("%d %s: a question", int(r.State.Stage.Step()), r.State.Stage.Step().Label())
	return p.openDialog(r, widget.NewAsk(p.base.env, title, body, guarded, choices...))
}

// confirmed tells whether an answer needs the database's name: what ends others' sessions, and what
// ends the restore, is not done by a letter that was meant for something else.
func confirmed(r *run.Run, k restore.Kind) bool {
	return r.State.NeedsTyping(k) || k == restore.KindUndo || k == restore.KindAbort || k == restore.KindKill
}

// confirms is what an answer will do; why is the question's own text.
func (p *asking) confirms(k restore.Kind, why []lang.Msg) []lang.Msg {
	switch k {
	case restore.KindAbort:
		return p.consequences(k)
	case restore.KindKill:
		sessions := p.base.run.State.Data.Sessions
		if len(sessions) == 0 {
			return []lang.Msg{lang.M("No session is on the list: what writes connects anew each time. Stop it where " +
				"it runs.")}
		}
		out := []lang.Msg{lang.M("These sessions are ended, and their open transactions rolled back:")}
		for _, s := range sessions {
			out = append(out, lang.Raw(s.String()))
		}
		return out
	}
	return why
}

// openReport shows the run's report, as it is known now.
func (p *asking) openReport() tea.Cmd {
	s := p.base.run.State
	ended := p.base.env.Clock.Now()
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
