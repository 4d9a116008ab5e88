package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// World runs the effects. Do first checks the actual state, so repeating an effect is
// harmless. It returns an event of kind KindDone, KindFailed or KindFound, and no error
// other than ctx's.
type World interface {
	Do(ctx context.Context, e restore.Effect, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error)
}

// Inbox delivers the answers and requests of people as events.
type Inbox interface {
	// Events delivers them until ctx ends, and closes the channel when it accepts no more.
	Events(ctx context.Context) <-chan Request
}

// Request is a person's request to a running restore.
type Request struct {
	Seq   int           `json:"seq"` // Snapshot.Seq of the question; 0 for a request to abort
	Event restore.Event `json:"event"`
}

// ErrLeft reports that the runner was told to stop; the restore keeps its state and can be
// resumed.
var ErrLeft = errors.New("the restore was left in its current state")

// Runner executes a plan: it journals before and after each effect, and accepts answers
// when the machine asks.
type Runner struct {
	Plan     *restore.Plan
	Journal  *Journal
	World    World
	Inbox    Inbox
	Clock    clock.Clock
	Progress func(restore.Snapshot, ops.Progress) // may be nil
	Changed  func(restore.Snapshot)               // after each journaled event; may be nil

	s restore.Snapshot
}

// Run continues the restore from the end of its journal until it is over. first is the
// reason that it runs now: KindBegin, KindResume, KindUndo, KindDrop or KindAbort. When
// ctx ends it returns ErrLeft: nothing is reverted, and nothing more is started.
func (r *Runner) Run(ctx context.Context, first restore.Event) (restore.Snapshot, error) {
	s, _, err := fold(r.Plan, r.Journal.Lines())
	if err != nil {
		return s, err
	}
	r.s = s
	listens, stopListening := context.WithCancel(ctx)
	requests := r.Inbox.Events(listens)
	defer func() { // later requests are for the next worker
		stopListening()
		for range requests {
		}
	}()
	if err := r.apply(first); err != nil {
		return r.s, err
	}
	for !r.s.Stage.Final() {
		if err := r.step(ctx, requests); err != nil {
			return r.s, err
		}
	}
	return r.s, nil
}

// apply journals an event and applies it, after the pure machine has accepted it.
func (r *Runner) apply(e restore.Event) error {
	if e.Time.IsZero() {
		e.Time = r.Clock.Now()
	}
	e.PID = os.Getpid()
	next, _, err := restore.Next(r.s, e)
	if err != nil {
		return err
	}
	if err := r.Journal.Append(Line{Time: e.Time, Event: &e, Stage: next.Stage}); err != nil {
		return err
	}
	r.s = next
	if r.Changed != nil {
		r.Changed(next)
	}
	return nil
}

func (r *Runner) step(ctx context.Context, requests <-chan Request) error {
	if ctx.Err() != nil {
		return ErrLeft
	}
	if effect, ok := r.s.Stage.Effect(); ok {
		return r.effect(ctx, effect, requests)
	}
	select {
	case <-ctx.Done():
		return ErrLeft
	case q, ok := <-requests:
		if !ok {
			return ErrLeft
		}
		return r.answer(q)
	}
}

// answer accepts an answer to the current question. A late one, or one that the machine
// refuses, changes nothing.
func (r *Runner) answer(q Request) error {
	if q.Seq != r.s.Seq && (q.Seq != 0 || q.Event.Kind != restore.KindAbort) {
		return nil
	}
	err := r.apply(q.Event)
	if errors.Is(err, restore.ErrNotNow) || errors.Is(err, restore.ErrTyped) || errors.Is(err, restore.ErrNoBackup) {
		return nil
	}
	return err
}

// turnsBack reports whether a request need not wait for the end of an effect: to abort,
// and to undo the current state.
func (r *Runner) turnsBack(q Request) bool {
	return q.Event.Kind == restore.KindAbort || q.Event.Kind == restore.KindUndo && q.Seq == r.s.Seq
}

type ended struct {
	event restore.Event
	err   error
}

// effect runs one effect, and lets a request to abort or undo end it early where the
// machine allows it.
func (r *Runner) effect(ctx context.Context, e restore.Effect, requests <-chan Request) error {
	if err := r.Journal.Append(Line{Time: r.Clock.Now(), Begins: e, Stage: r.s.Stage}); err != nil {
		return err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	end := make(chan ended, 1)
	s := r.s
	var waited atomic.Pointer[string]
	go func() {
		ev, err := r.World.Do(work, e, r.Plan, s, func(p ops.Progress) {
			waited.Store(&p.Waits)
			if r.Progress != nil {
				r.Progress(s, p)
			}
		})
		end <- ended{ev, err}
	}()
	var abort *restore.Event
	for {
		select {
		case q, ok := <-requests:
			if !ok {
				requests = nil // ctx has ended, so the effect will end too
			}
			if abort == nil && r.turnsBack(q) && r.s.Can(q.Event.Kind) {
				abort = &q.Event
				if text := waited.Load(); text != nil && *text != "" {
					abort.Notes = append(abort.Notes, restore.N(lang.M("ended by the abort: %s", *text)))
				}
				cancel()
			}
		case done := <-end:
			return r.ended(ctx, e, done, abort)
		}
	}
}

// ended journals the end of an effect. An abort counts even if the effect finished at the
// same time: the way back checks the actual state.
func (r *Runner) ended(ctx context.Context, e restore.Effect, done ended, abort *restore.Event) error {
	switch {
	case abort != nil:
		abort.Data = done.event.Data
		return r.apply(*abort)
	case ctx.Err() != nil && done.err != nil:
		return ErrLeft
	case done.err != nil:
		return fmt.Errorf("effect %s: %w", e, done.err)
	}
	return r.apply(done.event)
}
