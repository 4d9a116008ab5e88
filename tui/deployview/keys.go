package deployview

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// action is a key of the wizard. What cannot be done now is not in the list.
type action struct {
	key    string
	label  lang.Msg
	writes bool // refused when read-only
	run    func() tea.Cmd
}

// actions are the keys of what is shown now.
func (w *Wizard) actions() []action {
	if !w.busy.Empty() {
		return nil
	}
	switch w.stage {
	case stageChoose:
		return w.chooseActions()
	case stageSheet:
		return []action{
			{"enter", lang.M("deploy"), true, w.askRun},
			{"b", lang.M("another plan"), false, func() tea.Cmd { w.stage = stageChoose; return nil }},
		}
	case stageCourse:
		return w.courseActions()
	}
	return nil
}

func (w *Wizard) chooseActions() (out []action) {
	if len(w.choices) > 0 {
		out = append(out, action{"enter", lang.M("show the plan"), false, w.makePlan})
		if w.choices[w.list.Cursor].Pulls {
			out = append(out, action{"v", lang.M("revision"), false, w.askRevision})
		}
	}
	if w.course.Deployment != nil {
		out = append(out, action{"n", lang.M("newest deployment"), false, func() tea.Cmd {
			w.stage = stageCourse
			w.scroll = 0
			w.moved = false
			return w.read()
		}})
	}
	return out
}

func (w *Wizard) courseActions() (out []action) {
	d := w.course.Deployment
	if d == nil {
		return nil
	}
	if w.course.Running {
		return []action{{"x", lang.M("stop"), true, w.askInterrupt}}
	}
	result := d.State.Result
	if result == "" {
		out = append(out, action{"r", lang.M("resume"), true, w.askResume})
	}
	if result != deploy.ResultTakenBack {
		out = append(out, action{"u", lang.M("roll back"), true, w.askUndo})
	}
	if !w.course.Open() {
		out = append(out, action{"b", lang.M("new deployment"), false, func() tea.Cmd {
			w.stage = stageChoose
			return nil
		}})
	}
	return out
}

// key takes a key.
func (w *Wizard) key(name string) (cmd tea.Cmd, done bool) {
	for _, a := range w.actions() {
		if a.key != name {
			continue
		}
		if a.writes && w.env.ReadOnly {
			why := lang.M("read-only mode: opsdeck was started with --read-only")
			return page.Send(page.Notice{State: ops.StateWarning, Text: why}), false
		}
		return a.run(), false
	}
	if name == "esc" || name == "q" || name == "ctrl+c" {
		w.gen.Next() // what was begun is not for this dialog any more
		if w.course.Running {
			return page.Send(page.Notice{State: ops.StateOK,
				Text: lang.M("the deployment continues; D shows it again")}), true
		}
		return nil, true
	}
	w.move(name)
	return nil, false
}

// move moves in the list of plans, or scrolls.
func (w *Wizard) move(name string) {
	if w.stage == stageChoose {
		w.list.Key(name)
		return
	}
	w.moved = true
	switch name {
	case "up", "k":
		w.scroll--
	case "down", "j":
		w.scroll++
	case "pgup":
		w.scroll -= 10
	case "pgdown", " ":
		w.scroll += 10
	case "home", "g":
		w.scroll = 0
	case "end", "G":
		w.scroll = 1 << 20
	default:
		w.moved = false
	}
	w.scroll = max(0, w.scroll)
}

// keyLines are the keys, as many to a line as fit.
func (w *Wizard) keyLines(width int) (lines []string) {
	t, e := w.env.Theme, w.env
	var parts []string
	for _, a := range w.actions() {
		parts = append(parts, widget.KeyHelp(t, a.key, e.Lang.Msg(a.label)))
	}
	leave := lang.M("back")
	if w.course.Running {
		leave = lang.M("leave; it continues")
	}
	parts = append(parts, widget.KeyHelp(t, "esc", e.Lang.Msg(leave)))
	for _, part := range parts {
		if n := len(lines); n > 0 && cells.Width(lines[n-1])+2+cells.Width(part) <= width {
			lines[n-1] += "  " + part
			continue
		}
		lines = append(lines, part)
	}
	return lines
}

// makePlan makes the plan at the cursor.
func (w *Wizard) makePlan() tea.Cmd {
	gen := w.begin(lang.M("Making the plan …"))
	choice, revision := w.choices[w.list.Cursor], w.revision
	if !choice.Pulls {
		revision = ""
	}
	desk := w.desk
	ctx := w.env.Ctx
	l := w.env.Lang
	return func() tea.Msg {
		s, err := desk.Plan(ctx, l, choice.Name, revision)
		return sheetMsg{gen, s, err}
	}
}

func (w *Wizard) askRevision() tea.Cmd {
	body := w.env.T("A branch, tag or commit; empty is the branch that is checked out.")
	return page.Send(page.Open{Overlay: widget.NewPrompt(w.env, lang.M("Revision"), body, w.revision,
		func(text string) tea.Cmd { return page.Send(revisionMsg{text}) })})
}

// confirm asks for the service's name, and then acts.
func (w *Wizard) confirm(title lang.Msg, body []lang.Msg, a act) tea.Cmd {
	return page.Send(page.Open{Overlay: widget.NewConfirm(w.env, title, body, w.desk.Service(),
		func() tea.Cmd { return page.Send(actMsg{a}) })})
}

func (w *Wizard) askRun() tea.Cmd {
	return w.confirm(lang.M("Deploy?"), []lang.Msg{
		lang.M("Plan %s, hash %s.", w.sheet.Name, short(w.sheet.Hash)),
		w.sheet.Effect,
		lang.M("A failed step rolls back the steps before it."),
	}, actRun)
}

func (w *Wizard) askResume() tea.Cmd {
	body := []lang.Msg{lang.M("Deployment %s will be continued.", w.course.Deployment.Plan.ID)}
	if w.course.Deployment.State.Back {
		body = append(body, lang.M("It is being rolled back; the rollback will be continued."))
	}
	return w.confirm(lang.M("Resume?"), body, actResume)
}

func (w *Wizard) askUndo() tea.Cmd {
	p := w.course.Deployment.Plan
	body := lang.M("Deployment %s will be rolled back.", p.ID)
	if p.From != "" {
		body = lang.M("Deployment %s will be rolled back: from %s to %s.", p.ID, short(p.To), short(p.From))
	}
	return w.confirm(lang.M("Roll back?"), []lang.Msg{body}, actUndo)
}

func (w *Wizard) askInterrupt() tea.Cmd {
	return page.Send(page.Open{Overlay: widget.NewAsk(w.env, lang.M("Stop the deployment?"), []lang.Msg{
		lang.M("The running step is ended and nothing is rolled back: the service may be stopped or half-updated."),
		lang.M("Afterwards, resume it or roll it back."),
	}, true, widget.Choice{Key: "y", Label: lang.M("stop"),
		Run: func() tea.Cmd { return page.Send(actMsg{actInterrupt}) }})})
}
