package restoreview

import (
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// narrow is up to which width the steps are one line above the text.
const narrow = 60

// View draws the page with a margin of one cell, as the other tabs have it; only
// rules go from edge to edge.
func (p *Page) View(size page.Size) string {
	if size.Width < 2 {
		return widget.Fill(nil, size)
	}
	lines := p.sheet.lines(page.Size{Width: size.Width - 1, Height: size.Height})
	for i, l := range lines {
		if cells.Width(l) < size.Width {
			lines[i] = " " + l
		}
	}
	return widget.Fill(lines, size)
}

// lines are the head, the steps, and the marked step.
func (p *sheet) lines(size page.Size) []string {
	lines := slices.Concat(p.head(size), p.lookingLine(size.Width), p.savingLine(size.Width),
		p.rescuer.rescueLine(size.Width), p.pendingLine(size.Width), p.healing.line(size.Width))
	rest := page.Size{Width: size.Width, Height: max(1, size.Height-len(lines))}
	if p.base.shownPlan() == nil {
		return append(lines, p.waiting(rest)...)
	}
	if size.Width < narrow {
		lines = append(lines, p.strip(size.Width))
		rest.Height--
		return append(lines, p.window(p.right(size.Width), rest.Height)...)
	}
	left := p.left()
	w := 0
	for _, l := range left {
		w = max(w, cells.Width(l))
	}
	right := p.window(p.right(size.Width-w-3), rest.Height)
	bar := p.base.env.Theme.Rule.Render(p.base.env.Theme.Glyph.VRule)
	for i := range rest.Height {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		lines = append(lines, cells.Pad(l, w)+" "+bar+" "+r)
	}
	return lines
}

// window is the visible part of the right side, with a mark when there is more.
func (p *sheet) window(lines []string, height int) []string {
	p.rightH = height
	p.rightN = len(lines)
	p.base.scroll = max(0, min(p.base.scroll, len(lines)-height))
	out := lines[p.base.scroll:min(len(lines), p.base.scroll+height)]
	if p.base.scroll+height < len(lines) && height > 1 {
		out = append(append([]string{}, out[:height-1]...),
			p.base.env.Theme.Dim.Render(p.base.env.T("%s press space for more", p.base.env.Theme.Glyph.More)))
	}
	return out
}

// head is the line that says what is restored from what, and those of trouble.
func (p *sheet) head(size page.Size) []string {
	w := size.Width
	e, t := p.base.env, p.base.env.Theme
	plan := p.base.shownPlan()
	if plan == nil {
		return nil
	}
	now := plan.CreatedAt
	if p.base.planning() {
		now = e.Clock.Now()
	}
	age := human.Duration(now.Sub(plan.Source.At).Truncate(time.Minute))
	text := t.Bold.Render(termsafe.Line(plan.Target.Database)) + " " + t.Glyph.Left + " " + termsafe.Line(
		plan.Source.Name,
	)
	if w >= narrow {
		text = t.Bold.Render(termsafe.Line(plan.Target.Database)) + " " + t.Glyph.Left + " " + e.T(
			"%s (%s old), mode %s",
			e.Time(plan.Source.At),
			age,
			plan.Mode.Label(),
		)
	}
	read := "" // when, of figures that are not of now
	if p.base.stale() {
		read = e.T("checked at %s", e.Time(plan.CreatedAt))
	}
	lines := []string{cells.Cut(text, w)}
	if p.base.problem != nil {
		lines = append(lines, p.trouble(w, max(1, min(3, size.Height/4)))...)
	}
	if p.base.watching() {
		lines = append(lines, cells.Cut(p.standing(), w))
	}
	return append(lines, widget.Rule(t, read, w+1))
}

// trouble is an error with what to do about it, in so many lines at most.
func (p *sheet) trouble(w, most int) (out []string) {
	t := p.base.env.Theme
	mark := t.Glyph.Crit + " "
	for _, line := range cells.WrapTo(p.base.sentence(p.base.problem), max(1, w-2), most) {
		out = append(out, cells.Cut(t.Crit.Render(mark+line), w))
		mark = "  "
	}
	return out
}

// sentence is an error as a person reads it.
func (p *base) sentence(err error) string {
	var known *ops.Error
	if !errors.As(err, &known) {
		return termsafe.Line(err.Error())
	}
	text := p.env.Lang.Msg(known.What)
	if !known.Hint.Empty() {
		text += " " + p.env.Theme.Glyph.Right + " " + p.env.Lang.Msg(known.Hint)
	}
	return termsafe.Line(text)
}

// standing is the line of the run: who, since when, how it stands.
func (p *sheet) standing() string {
	e := p.base.env
	t := p.base.env.Theme
	s := p.base.run.State
	stage := e.Lang.Msg(s.Stage.Label())
	switch {
	case p.base.running() && !p.base.run.Alive:
		return t.Warn.Render(t.Glyph.Warn + " " + e.T("The worker exited in step %d: %s. %s", int(s.Stage.Step()),
			stage, waysOut(s)))
	case s.Stage.Asks() && p.base.run.Alive:
		return t.Warn.Render(t.Glyph.Warn + " " + e.T("%s's restore is waiting for an answer: press a.",
			termsafe.Line(p.base.run.Worker.User)))
	case p.base.running():
		return t.Accent.Render(t.Glyph.Running+" ") + e.T("%s by %s, for %s", stage,
			termsafe.Line(p.base.run.Worker.User), human.Clock(e.Clock.Now().Sub(begun(s))))
	case s.Stage == restore.Done && s.NotReady:
		return t.Warn.Render(t.Glyph.Warn + " " + e.T("restored, but the service is not ready"))
	case s.Stage == restore.Done && p.base.run.Plan.Process.Untouched():
		return t.OK.Render(t.Glyph.OK + " " + e.T("restored in %s; the service was not stopped by opsdeck",
			human.Duration(p.base.took())))
	case s.Stage == restore.Done:
		return t.OK.Render(t.Glyph.OK + " " + e.T("restored in %s; the service was down for %s",
			human.Duration(p.base.took()), human.Duration(s.Down(e.Clock.Now()))))
	}
	if lost := s.Data.Lost; s.Reverted() && lost != nil && !lost.Sum().Empty() {
		stage = e.T("%s; it removed %s (o)", stage, lost.Sum())
	}
	return t.Unknown.Render(t.Glyph.Dot + " " + stage)
}

// begun is when the restore was begun, or its way back.
func begun(s restore.Snapshot) time.Time {
	if at := s.BackSince(); !at.IsZero() {
		return at
	}
	return s.Trail[0].Begin
}

// waysOut says what can be done with a run whose worker has exited.
func waysOut(s restore.Snapshot) lang.Msg {
	switch {
	case s.Can(restore.KindAbort):
		return lang.M("Resume or abort.")
	case s.Can(restore.KindUndo):
		return lang.M("Resume or undo.")
	}
	return lang.M("Resume it.")
}

func (p *base) took() time.Duration {
	trail := p.run.State.Trail
	return trail[len(trail)-1].Begin.Sub(trail[0].Begin)
}

// waiting is what is shown before there is a plan.
func (p *sheet) waiting(size page.Size) []string {
	e, t := p.base.env, p.base.env.Theme
	switch {
	case p.base.planErr != nil:
		lines := []string{t.Crit.Render(t.Glyph.Crit + " " + e.T("No plan can be made now."))}
		lines = append(lines, cells.Wrap(p.base.sentence(p.base.planErr), size.Width)...)
		lines = append(lines, "")
		hint := e.T("Nothing was changed. Press r to check again, b for another backup.")
		lines = append(lines, cells.Wrap(hint, size.Width)...)
		if p.base.choice.Moment != nil || len(p.base.choice.Tables) > 0 {
			lines = append(lines, cells.Wrap(e.T("Press esc to restore only the backup."), size.Width)...)
		}
		return lines
	case p.base.runErr != nil:
		return cells.Wrap(t.Crit.Render(t.Glyph.Crit+" ")+p.base.sentence(p.base.runErr), size.Width)
	case !p.base.since.IsZero():
		so := human.Clock(e.Clock.Now().Sub(p.base.since))
		return []string{e.T("Checking the backup and the target …") + "  " + so}
	}
	return nil
}

// right is all about the marked step.
func (p *sheet) right(w int) []string {
	step := restore.AllSteps[p.base.step]
	plan := p.base.shownPlan()
	t := p.base.env.Theme
	e := p.base.env
	var lines []string
	add := func(style interface{ Render(...string) string }, m lang.Msg) {
		for _, l := range cells.Wrap(termsafe.Text(e.Lang.Msg(m)), w) {
			lines = append(lines, style.Render(l))
		}
	}
	if p.base.watching() && p.base.run.State.Stage.Step() == step && !p.base.run.State.Stage.Final() {
		lines = append(lines, p.now(w)...)
	}
	text := p.base.text(step)
	add(t.Text, text.What)
	if p.base.watching() {
		lines = append(lines, p.evidence(step, w)...)
	}
	if step == restore.StepAssess {
		lines = append(lines, p.findings(plan, w)...)
	}
	if !p.base.since.IsZero() && p.base.planning() {
		lines = append(lines, "",
			t.Dim.Render(e.T("Checking the backup and the target …")+"  "+human.Clock(e.Clock.Now().Sub(p.base.since))))
	}
	lines = append(lines, p.preview(w)...)
	lines = append(lines, "")
	add(t.Dim, lang.M("Undo: %s", text.Back))
	return lines
}

// now is what goes on: the stage, its clock, progress, or the question.
func (p *sheet) now(w int) []string {
	e := p.base.env
	t := p.base.env.Theme
	s := p.base.run.State
	mark := s.Trail[len(s.Trail)-1]
	clock := human.Clock(p.base.lastSign().Sub(mark.Begin))
	lines := []string{t.Accent.Render(cells.Cut(e.Lang.Msg(s.Stage.Label())+"  "+clock, w))}
	if pr := p.base.run.Progress; pr != nil && p.base.run.Alive && !s.Stage.Asks() {
		lines = append(lines, p.progress(*pr, w)...)
	}
	for _, n := range s.Why {
		for _, l := range cells.Wrap(termsafe.Text(e.Lang.Msg(n.Msg)), w-2) {
			lines = append(lines, "  "+t.Warn.Render(l))
		}
	}
	return append(lines, "")
}

func (p *sheet) progress(pr ops.Progress, w int) []string {
	e, t := p.base.env, p.base.env.Theme
	var parts []string
	if pr.Object != "" {
		parts = append(parts, termsafe.Line(pr.Object))
	}
	switch pr.Unit {
	case "bytes":
		parts = append(parts, human.Bytes(pr.Done), human.Rate(pr.Rate()))
	case "rows":
		parts = append(parts, e.T("%s rows", human.Count(pr.Done)))
	}
	if left, ok := pr.ETA(); ok {
		parts = append(parts, e.T("ETA %s", human.Clock(left)))
	}
	var lines []string
	if pr.Total > 0 {
		share := min(1, float64(pr.Done)/float64(pr.Total))
		lines = append(lines, widget.Bar(t, share, min(w-7, 40))+" "+human.Percent(share))
	}
	if len(parts) > 0 {
		lines = append(lines, cells.Cut(strings.Join(parts, "  "), w))
	}
	if pr.Waits != "" {
		for _, l := range cells.Wrap(termsafe.Line(pr.Waits), w-2) {
			lines = append(lines, "  "+t.Warn.Render(l))
		}
	}
	return lines
}

// toldAgain tells whether a later stage of the step says the same, as the report of an undo does.
func toldAgain(later []restore.Mark, step restore.Step, n restore.Note) bool {
	return slices.ContainsFunc(later, func(m restore.Mark) bool {
		return m.Stage.Step() == step && slices.ContainsFunc(m.Notes, func(o restore.Note) bool {
			return o.Msg.String() == n.Msg.String()
		})
	})
}

// evidence is what the step's ended stages found.
func (p *sheet) evidence(step restore.Step, w int) []string {
	e, t := p.base.env, p.base.env.Theme
	var lines []string
	trail := p.base.run.State.Trail
	for i, m := range trail {
		asking := i == len(trail)-2 && p.base.run.State.Stage.Asks() // its notes stand above, as the question
		if m.Stage.Step() != step || m.End.IsZero() || len(m.Notes) == 0 || asking {
			continue
		}
		glyph, style := t.Glyph.Check, t.OK
		if m.How == restore.KindFailed || m.How == restore.KindFound {
			glyph, style = t.Glyph.Cross, t.Warn
		}
		for _, n := range m.Notes {
			if toldAgain(trail[i+1:], step, n) {
				continue
			}
			for i, l := range cells.Wrap(termsafe.Text(e.Lang.Msg(n.Msg)), w-2) {
				head := "  "
				if i == 0 {
					head = style.Render(glyph) + " "
				}
				lines = append(lines, head+l)
			}
		}
	}
	if len(lines) > 0 {
		lines = append([]string{""}, lines...)
	}
	return lines
}

// reachOf says what the plan loses, and how much less could be lost.
func (p *sheet) reachOf(plan *restore.Plan, put func(ops.State, string)) {
	e, reach := p.base.env, p.base.reach
	if !p.base.planning() || reach.Now.IsZero() {
		return
	}
	if at := plan.Source.At; plan.Source.Replay == nil && !at.IsZero() {
		put(ops.StateWarning, e.T("this backup has the state of %s: everything written since is lost (%s)",
			e.Time(at), reach.Since(at)))
	}
	switch {
	case plan.Source.Replay != nil: // the plan itself says what it loses
	case !reach.LogTo.IsZero():
		put(ops.StateUnknown, e.T("u restores to a later moment, if the binlog can be replayed: newest good backup "+
			"%s, binlog to %s", e.Time(reach.Backup), e.Time(reach.LogTo)))
	case reach.Backup.After(plan.Source.At.Add(time.Second)):
		put(ops.StateWarning, e.T("there is a newer good backup: %s", e.Time(reach.Backup)))
	}
}

// findings are what a person should know before beginning, and what is lost.
func (p *sheet) findings(plan *restore.Plan, w int) []string {
	e, t := p.base.env, p.base.env.Theme
	var lines []string
	put := func(state ops.State, text string) {
		style, glyph := t.State(state)
		for i, l := range cells.Wrap(termsafe.Text(text), w-2) {
			head := "  "
			if i == 0 {
				head = style.Render(glyph) + " "
			}
			lines = append(lines, head+l)
		}
	}
	lines = append(lines, "")
	p.reachOf(plan, put)
	explained := plan.Mode == restore.Into || plan.Assessment == nil
	for i, f := range plan.Known() {
		if i > 0 && f.State < ops.StateCritical && !explained {
			explained = true
			p.lossFacts(plan, put)
		}
		text := e.Lang.Msg(f.What.Msg)
		if !f.Hint.Empty() {
			text += " " + t.Glyph.Right + " " + e.Lang.Msg(f.Hint.Msg)
		}
		put(f.State, text)
	}
	return lines
}

// preview is the beginning of what is run.
func (p *sheet) preview(w int) []string {
	e, t := p.base.env, p.base.env.Theme
	list := p.base.statements()
	if len(list) == 0 {
		return nil
	}
	lines := []string{"", t.Dim.Render(e.T("Statements and commands (enter: all):"))}
	const most = 4
	for i, s := range list {
		if i == most {
			break
		}
		first, _, more := strings.Cut(termsafe.Text(s), "\n")
		if more {
			first += " " + t.Glyph.More
		}
		lines = append(lines, "  "+cells.Cut(first, w-2))
	}
	return lines
}
