package deploy

import (
	"context"
	"errors"
	"slices"
	"time"

	"opsdeck/internal/lang"
)

// Outcome is what came of a step, or of taking it back.
type Outcome struct {
	Detail string            // in the operator's language
	Said   lang.Both         // the same in both
	Tail   []string          // the last lines of the tool's output
	Data   map[string]string // for later steps and the way back
	Failed bool
	// Skipped tells that the step did nothing, for its check held already.
	Skipped bool
}

// World does the steps. Do and Undo first check the actual state, so that doing one
// again after a crash is harmless.
type World interface {
	// Do does a step; note is told each program that it starts, and what it found before
	// it changes anything.
	Do(ctx context.Context, p *Plan, step int, s State, note Note) Outcome
	// Undo takes a step back that was begun.
	Undo(ctx context.Context, p *Plan, step int, s State, note Note) Outcome
	// End ends what a process that was killed left running. An error says that some of it
	// still runs: nothing may be done beside it.
	End(p *Plan, c Child) error
}

// Note writes a line of a step that is under way to the journal, durably: EventChild or
// EventSeen.
type Note func(Line) error

// Child notes a program that was started.
func (n Note) Child(c Child) error { return n(Line{Event: EventChild, Child: &c}) }

// Seen notes what was found before the step changes anything.
func (n Note) Seen(detail string, lines []string) error {
	return n(Line{Event: EventSeen, Detail: detail, Tail: lines})
}

// ErrLeft says that the runner was told to stop: nothing was taken back, and the
// deployment can be resumed.
var ErrLeft = errors.New("stopped in the middle of a deployment")

// Runner carries out a plan and journals before and after each step.
type Runner struct {
	Plan    *Plan
	Journal *Journal
	World   World
	Now     func() time.Time
	Tell    func(Line, State) // after each durable line; may be nil
	// Hide masks secrets in what is said of the steps, before it is written and told. Nil
	// masks nothing.
	Hide func(string) string

	s State
}

// Run carries on from where the journal ends until the deployment is over. first is
// EventBegin, or EventBack to take it back. When ctx ends it returns ErrLeft.
func (r *Runner) Run(ctx context.Context, first Event) (State, error) {
	r.s = Fold(r.Plan, r.Journal.Lines())
	if r.s.Child != nil {
		if err := r.World.End(r.Plan, *r.s.Child); err != nil {
			return r.s, err
		}
	}
	if err := r.note(Line{Event: first, Step: -1}); err != nil {
		return r.s, err
	}
	for {
		a := Next(r.s)
		if a.Event == "" {
			return r.s, nil
		}
		if ctx.Err() != nil {
			return r.s, ErrLeft
		}
		if err := r.act(ctx, a); err != nil {
			return r.s, err
		}
	}
}

func (r *Runner) note(l Line) error {
	l.Time = r.Now()
	r.hide(&l)
	if err := r.Journal.Append(l); err != nil {
		return err
	}
	r.s.apply(l)
	if r.Tell != nil {
		r.Tell(l, r.s)
	}
	return nil
}

// hide masks the secrets in what a line says.
func (r *Runner) hide(l *Line) {
	if r.Hide == nil {
		return
	}
	l.Detail = r.Hide(l.Detail)
	l.Said = lang.Both{EN: r.Hide(l.Said.EN), ZH: r.Hide(l.Said.ZH)}
	l.Tail = slices.Clone(l.Tail)
	for i := range l.Tail {
		l.Tail[i] = r.Hide(l.Tail[i])
	}
}

// act does what comes next and journals how it ended.
func (r *Runner) act(ctx context.Context, a Action) error {
	if err := r.note(Line{Event: a.Event, Step: a.Step, Result: a.Result}); err != nil || a.Step < 0 {
		return err
	}
	step, work := r.Plan.Steps[a.Step], r.World.Do
	good, bad := EventDone, EventFailed
	if a.Event == EventUndo {
		work = r.World.Undo
		good = EventUndone
		bad = EventUndoFailed
	}
	limit, cancel := context.WithTimeout(ctx, step.Timeout)
	defer cancel()
	var lost error
	out := work(limit, r.Plan, a.Step, r.s, func(l Line) error {
		l.Step = a.Step
		lost = r.note(l)
		return lost
	})
	switch {
	case lost != nil:
		return lost
	case out.Failed && ctx.Err() != nil:
		return ErrLeft
	case out.Failed:
		good = bad
	case out.Skipped && a.Event == EventStep:
		good = EventSkipped
	}
	return r.note(Line{Event: good, Step: a.Step, Detail: out.Detail, Said: out.Said, Tail: out.Tail, Data: out.Data})
}
