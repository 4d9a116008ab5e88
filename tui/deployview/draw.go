package deployview

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/deploy"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// viewChoose is the list of plans.
func (w *Wizard) viewChoose(size page.Size) []string {
	t, e := w.env.Theme, w.env
	var head, foot []string
	if d := w.course.Deployment; d != nil {
		line := e.T("newest: %s, %s: %s", d.Plan.ID, d.Plan.Name, w.course.Result)
		head = append(head, t.Dim.Render(cells.Cut(termsafe.Line(line), size.Width)))
	}
	head = append(head, t.Bold.Render(e.T("Choose a plan. It is shown before anything runs.")))
	if len(w.choices) > 0 && w.choices[w.list.Cursor].Pulls {
		revision := termsafe.Line(w.revision)
		if revision == "" {
			revision = e.T("the branch that is checked out")
		}
		foot = []string{cells.Cut(e.T("Revision: %s", revision), size.Width)}
	}
	w.list.Resize(len(w.choices), max(1, size.Height-len(head)-len(foot)))
	from, to := w.list.Window()
	lines := head
	for i := from; i < to; i++ {
		row := " " + termsafe.Line(w.choices[i].Name)
		if i == w.list.Cursor {
			row = widget.SelectedRow(t, row[1:], size.Width)
		}
		lines = append(lines, row)
	}
	return append(lines, foot...)
}

// viewSheet is the part of the plan that is in sight.
func (w *Wizard) viewSheet(size page.Size) []string {
	var lines []string
	for _, l := range w.sheet.Lines {
		indent := len(l) - len(strings.TrimLeft(l, " "))
		for i, part := range cells.Wrap(strings.TrimLeft(l, " "), max(1, size.Width-indent)) {
			if i > 0 {
				part = "  " + part
			}
			lines = append(lines, cells.Cut(strings.Repeat(" ", indent)+part, size.Width))
		}
	}
	return w.window(lines, size.Height)
}

// window is the part of lines that is in sight, with a mark of what is more.
func (w *Wizard) window(lines []string, height int) []string {
	t, e := w.env.Theme, w.env
	if len(lines) <= height || height < 2 {
		w.scroll = max(0, min(w.scroll, len(lines)-height))
		return lines[w.scroll:min(len(lines), w.scroll+height)]
	}
	w.scroll = max(0, min(w.scroll, len(lines)-height+1))
	to := w.scroll + height - 1
	more := t.Dim.Render(e.T("%d–%d of %d: space", w.scroll+1, to, len(lines)))
	return append(lines[w.scroll:to:to], more)
}

// viewCourse is how the deployment is getting on.
func (w *Wizard) viewCourse(size page.Size) []string {
	d := w.course.Deployment
	if d == nil {
		return []string{w.env.T("opsdeck has not deployed anything yet")}
	}
	head := w.head(size.Width)
	steps, at := w.steps(size.Width)
	rest := max(1, size.Height-len(head))
	if !w.moved { // the step that is under way stays in sight
		w.scroll = max(0, at-rest+3)
	}
	return append(head, w.window(append(steps, w.outcome(size.Width)...), rest)...)
}

// head says which deployment it is and how far.
func (w *Wizard) head(width int) []string {
	t := w.env.Theme
	e := w.env
	d := w.course.Deployment
	what := t.Bold.Render(d.Plan.ID) + "  " + termsafe.Line(d.Plan.Name)
	if d.Plan.To != "" {
		what += "  " + short(d.Plan.From) + " " + t.Glyph.Right + " " + short(d.Plan.To)
	}
	lines := []string{cells.Cut(what, width)}
	now := e.Clock.Now()
	switch {
	case w.course.Running:
		lines = append(lines, w.progress(width, now.Sub(d.State.Began)))
	case d.State.Result == "":
		said := e.T("interrupted: no process is working on it. Resume it or roll it back.")
		lines = append(lines, t.Crit.Render(cells.Cut(t.Glyph.Crit+" "+said, width)))
	default:
		took := human.Duration(d.State.Ended.Sub(d.State.Began).Round(time.Second))
		said := e.T("%s (%s)", w.course.Result, took)
		style, glyph := t.OK, t.Glyph.OK
		switch {
		case d.State.Result == deploy.ResultStuck:
			style, glyph = t.Crit, t.Glyph.Crit
		case d.State.Result != deploy.ResultDone, d.State.Data["burst"] != "":
			style, glyph = t.Warn, t.Glyph.Warn
		}
		lines = append(lines, style.Render(cells.Cut(glyph+" "+termsafe.Line(said), width)))
	}
	return lines
}

// progress is the bar of a deployment that runs, by its steps.
func (w *Wizard) progress(width int, so time.Duration) string {
	t := w.env.Theme
	e := w.env
	d := w.course.Deployment
	n := len(d.Plan.Steps)
	done := 0
	for _, m := range d.State.Marks {
		if m == deploy.MarkDone || m == deploy.MarkSkipped {
			done++
		}
	}
	at, back := d.State.At()
	text := e.T("step %d of %d, %s", at+1, n, human.Clock(so))
	if back {
		text = e.T("rolling back, steps left: %d, %s", w.left(), human.Clock(so))
	}
	if at < 0 {
		text = e.T("ending, %s", human.Clock(so))
	}
	bar := widget.Bar(t, float64(done)/float64(max(1, n)), max(6, min(24, width/4)))
	return cells.Cut(t.Accent.Render(t.Glyph.Running)+" "+bar+" "+text, width)
}

// left is how many steps are still to be rolled back.
func (w *Wizard) left() (n int) {
	for _, m := range w.course.Deployment.State.Marks {
		switch m {
		case "", deploy.MarkUndone, deploy.MarkSkipped:
		default:
			n++
		}
	}
	return n
}

// steps are a line a step, and the index of the one that is under way or comes next.
func (w *Wizard) steps(width int) (lines []string, at int) {
	t := w.env.Theme
	e := w.env
	d := w.course.Deployment
	at, _ = d.State.At()
	names := 0
	for _, s := range d.Plan.Steps {
		names = max(names, cells.Width(s.Name))
	}
	for i, s := range d.Plan.Steps {
		glyph, style := w.mark(d.State.Marks[i])
		label := e.Lang.Msg(d.Label(i, w.course.Running))
		row := fmt.Sprintf("%s %2d %s  %s", style.Render(glyph), i+1, cells.Pad(termsafe.Line(s.Name), min(names, 16)),
			style.Render(label))
		if took := w.took1(i); took != "" {
			row += "  " + took
		}
		if said := termsafe.Line(e.Lang.Msg(d.Said(i))); said != "" {
			row += "  " + t.Dim.Render(said)
		}
		lines = append(lines, cells.Cut(row, width))
	}
	return lines, max(0, at)
}

// took1 is how long a step took, or has taken, with its usual time.
func (w *Wizard) took1(i int) string {
	e, d := w.env, w.course.Deployment
	if took, is := deploy.Took(d.Lines, i); is {
		return human.Duration(took.Round(time.Second / 10))
	}
	if d.State.Marks[i] != deploy.MarkBegun || !w.course.Running {
		return ""
	}
	var began time.Time
	for _, l := range d.Lines {
		if l.Step == i && l.Event == deploy.EventStep {
			began = l.Time
		}
	}
	so := human.Clock(e.Clock.Now().Sub(began))
	if i < len(w.course.Usual) && w.course.Usual[i] > 0 {
		return e.T("%s (usually about %s)", so, human.Duration(w.course.Usual[i].Round(time.Second)))
	}
	return so
}

// mark is the glyph of a step.
func (w *Wizard) mark(m deploy.Mark) (glyph string, style interface{ Render(...string) string }) {
	t := w.env.Theme
	switch m {
	case deploy.MarkDone:
		return t.Glyph.Check, t.OK
	case deploy.MarkSkipped, deploy.MarkUndone:
		return t.Glyph.Dot, t.Text
	case deploy.MarkFailed, deploy.MarkUndoFailed:
		return t.Glyph.Cross, t.Crit
	case deploy.MarkBegun, deploy.MarkUndoing:
		if w.course.Running {
			return t.Glyph.Running, t.Accent
		}
		return t.Glyph.Warn, t.Warn
	}
	return t.Glyph.Pending, t.Dim
}

// outcome is what failed, with the last lines of its output, and what to do then.
func (w *Wizard) outcome(width int) (out []string) {
	t := w.env.Theme
	e := w.env
	d := w.course.Deployment
	s := d.State
	add := func(style interface{ Render(...string) string }, m lang.Msg) {
		for _, line := range cells.Wrap(termsafe.Line(e.Lang.Msg(m)), width) {
			out = append(out, style.Render(line))
		}
	}
	out = append(out, "")
	if s.Failed >= 0 {
		add(t.Crit, lang.M("step %s failed: %s", d.Plan.Steps[s.Failed].Name, s.Why()))
		for _, line := range s.Tail {
			out = append(out, t.Dim.Render(cells.Cut("  | "+termsafe.Line(line), width)))
		}
	}
	if offer := s.Data["offer"]; offer != "" {
		add(t.Warn, lang.M("the database is still changed; this restores it: %s", lang.Raw(offer)))
	}
	if burst := s.Data["burst"]; burst != "" {
		add(t.Warn, lang.Raw(burst))
	}
	if s.Result != "" && w.course.Report != "" {
		add(t.Dim, lang.M("report: %s", w.course.Report))
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

// short is a commit as people name it.
func short(commit string) string { return commit[:min(len(commit), 10)] }
