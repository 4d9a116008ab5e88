// Package deployview is the deployment in the console: a dialog that shows what a
// deployment would do, begins it once it is confirmed, follows its steps, stops,
// continues and rolls it back. The deployment runs in a process of its own, so that a
// closed dialog or console leaves it running.
package deployview

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Desk is what the wizard works with. Its methods take time and run in commands.
type Desk interface {
	Service() string
	Plans() []deploy.Choice
	// Plan makes a plan and changes nothing; its lines are in l's language.
	Plan(ctx context.Context, l *lang.Printer, name, revision string) (deploy.Sheet, error)
	// Newest is the deployment that needs somebody, else the newest one.
	Newest() (deploy.Course, error)
	// Run, Resume and Undo begin in a process of their own. They return once that is at
	// work, or why it cannot be.
	Run(ctx context.Context, l *lang.Printer, s deploy.Sheet) error
	Resume(ctx context.Context, l *lang.Printer) error
	Undo(ctx context.Context, l *lang.Printer, id string) error
	// Interrupt tells the process at work to stop; nothing is rolled back.
	Interrupt() error
}

// poll is how often a deployment that runs is read.
const poll = 400 * time.Millisecond

// stage is what the wizard shows.
type stage int

const (
	stageReading stage = iota // the newest deployment
	stageChoose               // a plan
	stageSheet                // the plan
	stageCourse               // its steps
)

// Wizard is the dialog.
type Wizard struct {
	env      *page.Env
	desk     Desk
	stage    stage
	gen      page.Gen
	choices  []deploy.Choice
	list     widget.Scroll
	revision string
	sheet    deploy.Sheet
	course   deploy.Course
	scroll   int      // first line of the plan, or of the steps
	moved    bool     // the steps were scrolled by hand
	busy     lang.Msg // what is being done; empty: nothing
	since    time.Time
	err      error // of what was tried last
}

// Messages of the wizard to itself.
type (
	courseMsg struct {
		gen    uint64
		course deploy.Course
		err    error
	}
	sheetMsg struct {
		gen   uint64
		sheet deploy.Sheet
		err   error
	}
	tickMsg     struct{ gen uint64 }
	revisionMsg struct{ revision string }
	actMsg      struct{ act act } // confirmed by the operator
	actedMsg    struct {
		gen uint64
		err error
	}
)

// act is what an operator confirms.
type act int

const (
	actRun act = iota
	actResume
	actUndo
	actInterrupt
)

// Open opens the wizard.
func Open(env *page.Env, desk Desk) tea.Cmd {
	w := &Wizard{env: env, desk: desk, choices: desk.Plans()}
	w.list.Len = len(w.choices)
	return tea.Sequence(page.Send(page.Open{Overlay: w}), w.read())
}

// begin notes what is being done from now on and returns its generation.
func (w *Wizard) begin(what lang.Msg) uint64 {
	w.busy, w.since, w.err = what, w.env.Clock.Now(), nil
	return w.gen.Next()
}

// read reads the newest deployment.
func (w *Wizard) read() tea.Cmd {
	gen := w.gen.Next()
	desk := w.desk
	return func() tea.Msg {
		c, err := desk.Newest()
		return courseMsg{gen, c, err}
	}
}

// Update takes a key, or an answer.
func (w *Wizard) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch m := msg.(type) {
	case tea.KeyMsg:
		return w.key(m.String())
	case courseMsg:
		return w.took(m), false
	case sheetMsg:
		if w.gen.Is(m.gen) {
			w.busy, w.err = lang.Msg{}, m.err
			if m.err == nil {
				w.sheet = m.sheet
				w.stage = stageSheet
				w.scroll = 0
			}
		}
	case tickMsg:
		if w.gen.Is(m.gen) {
			return w.read(), false
		}
	case revisionMsg:
		w.revision = m.revision
	case actMsg:
		return w.do(m.act), false
	case actedMsg:
		return w.acted(m), false
	}
	return nil, false
}

// took takes what was read of the deployment.
func (w *Wizard) took(m courseMsg) tea.Cmd {
	if !w.gen.Is(m.gen) {
		return nil
	}
	var cmds []tea.Cmd
	if m.err == nil {
		if w.course.Running && !m.course.Running {
			cmds = append(cmds, page.Send(page.Changed{}))
		}
		w.course = m.course
	} else {
		w.err = m.err
	}
	switch {
	case w.stage == stageReading && w.course.Open():
		w.stage = stageCourse
	case w.stage == stageReading:
		w.stage = stageChoose
	}
	if w.stage == stageCourse && (w.course.Running || m.err != nil) {
		cmds = append(cmds, page.After(w.env.Ctx, poll, tickMsg{m.gen}))
	}
	return tea.Batch(cmds...)
}

// do does what was confirmed.
func (w *Wizard) do(a act) tea.Cmd {
	desk := w.desk
	ctx := w.env.Ctx
	l := w.env.Lang
	var gen uint64
	var work func() error
	switch a {
	case actRun:
		gen = w.begin(lang.M("Starting the deployment …"))
		sheet := w.sheet
		work = func() error { return desk.Run(ctx, l, sheet) }
	case actResume:
		gen = w.begin(lang.M("Continuing the deployment …"))
		work = func() error { return desk.Resume(ctx, l) }
	case actUndo:
		gen = w.begin(lang.M("Starting the rollback …"))
		id := w.course.Deployment.Plan.ID
		work = func() error { return desk.Undo(ctx, l, id) }
	case actInterrupt:
		gen = w.begin(lang.M("Stopping the deployment …"))
		work = desk.Interrupt
	}
	return func() tea.Msg { return actedMsg{gen, work()} }
}

// acted follows what was begun, or says why it could not be.
func (w *Wizard) acted(m actedMsg) tea.Cmd {
	if !w.gen.Is(m.gen) {
		return nil
	}
	w.busy, w.err = lang.Msg{}, m.err
	if m.err == nil {
		w.stage = stageCourse
		w.scroll = 0
		w.moved = false
	}
	return tea.Batch(w.read(), page.Send(page.Changed{}))
}

// View draws the dialog.
func (w *Wizard) View(size page.Size) string {
	inner := page.Size{Width: max(1, min(size.Width-4, 110)), Height: max(1, size.Height-2)}
	keys := w.keyLines(inner.Width)
	notes := w.notes(inner.Width)
	if most := inner.Height / 3; len(notes) > max(1, most) {
		notes = notes[:max(1, most)]
	}
	room := page.Size{Width: inner.Width, Height: max(1, inner.Height-len(keys)-len(notes))}
	var body []string
	switch w.stage {
	case stageReading:
		body = []string{w.env.T("Reading the deployments …")}
	case stageChoose:
		body = w.viewChoose(room)
	case stageSheet:
		body = w.viewSheet(room)
	case stageCourse:
		body = w.viewCourse(room)
	}
	for len(body) < min(room.Height, 3) {
		body = append(body, "")
	}
	lines := append(append(body[:min(len(body), room.Height)], notes...), keys...)
	for i, l := range lines {
		lines[i] = cells.Pad(l, inner.Width)
	}
	title := w.env.T("Deployment of %s", termsafe.Line(w.desk.Service()))
	return widget.Box(w.env.Theme, " "+title+" ", lines, size)
}

// notes are what is being done, and why the last try failed.
func (w *Wizard) notes(width int) (out []string) {
	t := w.env.Theme
	if !w.busy.Empty() {
		out = append(out, t.Accent.Render(t.Glyph.Running+" ")+w.env.Lang.Msg(w.busy))
	}
	if w.err == nil {
		return out
	}
	for i, line := range cells.Wrap(w.sentence(w.err), max(1, width-2)) {
		mark := "  "
		if i == 0 {
			mark = t.Glyph.Crit + " "
		}
		out = append(out, t.Crit.Render(mark+line))
	}
	return out
}

// sentence is an error for people.
func (w *Wizard) sentence(err error) string {
	var e *ops.Error
	if !errors.As(err, &e) {
		return termsafe.Line(err.Error())
	}
	text := w.env.Lang.Msg(e.What)
	if !e.Hint.Empty() {
		text += " " + w.env.Theme.Glyph.Right + " " + w.env.Lang.Msg(e.Hint)
	}
	return termsafe.Line(text)
}
