// Package watch runs jobs by their schedules and remembers what each run did, so
// that a run that was missed, because the machine was off, is made up for.
package watch

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/human"
	"opsdeck/internal/jsonl"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Schedule says when a job is due, in the zone of the time given.
type Schedule interface {
	Next(t time.Time) time.Time // the first after t; zero when never
	Last(t time.Time) time.Time // the newest at or before t; zero when never
}

// Job is work that is due by a schedule.
type Job struct {
	Name     string // stable: "qianzhang/daily"
	Schedule Schedule
	Run      func(context.Context) error
}

// Results of a run.
const (
	Done      = "done"
	Failed    = "failed"
	Stopped   = "stopped"
	Installed = "installed" // no run: from here on runs count as missed
)

// Run is what one run did, a line of runs.jsonl.
type Run struct {
	Job     string    `json:"job"`
	Due     time.Time `json:"due"` // the moment of the schedule that it was for
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Result  string    `json:"result"`
	Error   string    `json:"error,omitempty"`
	ErrorZH string    `json:"error_zh,omitempty"` // in Chinese, where that differs
	Attempt int       `json:"attempt,omitempty"`  // at this due run; 1 is the first
	Final   bool      `json:"final,omitempty"`    // failed, and not to be tried again
}

// Why is the error in the language of whoever reads it.
func (r Run) Why() lang.Msg { return lang.M("%s", lang.Both{EN: r.Error, ZH: r.ErrorZH}) }

// Outcome is the run's result for people.
func (r Run) Outcome() lang.Msg {
	switch r.Result {
	case Done:
		return lang.M("done")
	case Failed:
		return lang.M("failed")
	case Stopped:
		return lang.M("stopped")
	case Installed:
		return lang.M("schedule installed")
	}
	return lang.Raw(r.Result)
}

// Record is the memory of runs in a state folder.
type Record struct{ Dir string }

const recordName = "runs.jsonl"

// Append remembers a run, durably.
func (r Record) Append(run Run) error {
	if err := jsonl.Append(filepath.Join(r.Dir, recordName), run); err != nil {
		return fmt.Errorf("remember the run of %s: %w", run.Job, err)
	}
	return nil
}

// Last is the newest run of each job; a damaged line is left out.
func (r Record) Last() (map[string]Run, error) {
	last := map[string]Run{}
	err := jsonl.Each(filepath.Join(r.Dir, recordName), func(run Run) {
		if run.Job != "" {
			last[run.Job] = run
		}
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}

// Due tells whether a job is due at now, and since when: the newest moment of
// its schedule that is after the last run's. Several missed runs are made up for
// by one. A clock that went backwards makes nothing due again.
func Due(s Schedule, last Run, now time.Time) (time.Time, bool) {
	due := s.Last(now)
	if due.IsZero() || !due.After(last.Due) {
		return time.Time{}, false
	}
	return due, true
}

// Scheduler runs what is due.
type Scheduler struct {
	Jobs   []Job
	Record Record
	Clock  clock.Clock
	Tell   func(Run) // before (Result "") and after each run; may be nil
}

// Begin notes of jobs that are seen for the first time that their schedule is in place,
// and runs nothing. Who judges the record begins after it.
func (s *Scheduler) Begin() error {
	last, err := s.Record.Last()
	if err != nil {
		return err
	}
	for _, j := range s.Jobs {
		if _, seen := last[j.Name]; seen {
			continue
		}
		if err := s.install(j, s.Clock.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) install(j Job, now time.Time) error {
	return s.Record.Append(Run{Job: j.Name, Due: now, Started: now, Ended: now, Result: Installed})
}

// RunDue runs all jobs that are due, one after the other, and returns what each
// did. A job that is seen for the first time is due from now on only. The error
// is of the record; a job's own is in its Run.
func (s *Scheduler) RunDue(ctx context.Context) (ran []Run, err error) {
	last, err := s.Record.Last()
	if err != nil {
		return nil, err
	}
	for _, j := range s.Jobs {
		if ctx.Err() != nil {
			return ran, ctx.Err()
		}
		now := s.Clock.Now()
		known, seen := last[j.Name]
		if !seen {
			if err := s.install(j, now); err != nil {
				return ran, err
			}
			continue
		}
		try, is := next(j.Schedule, known, now)
		if !is {
			continue
		}
		run, err := s.try(ctx, j, try)
		ran = append(ran, run)
		if err != nil {
			return ran, err
		}
	}
	return ran, nil
}

// Run runs one job now and remembers it as the run of due.
func (s *Scheduler) Run(ctx context.Context, j Job, due time.Time) (Run, error) {
	return s.try(ctx, j, Try{Due: due, Attempt: 1})
}

// try is one attempt at a run.
func (s *Scheduler) try(ctx context.Context, j Job, t Try) (Run, error) {
	run := Run{Job: j.Name, Due: t.Due, Started: s.Clock.Now(), Attempt: t.Attempt}
	if s.Tell != nil {
		s.Tell(run)
	}
	err := j.Run(context.WithValue(ctx, tryKey{}, t))
	run.Ended = s.Clock.Now()
	run.Result = Done
	switch {
	case err != nil && ctx.Err() != nil:
		run.Result = Stopped
		run.Due = time.Time{} // it is still due
	case err != nil:
		run.Result = Failed
		both := ops.InBoth(err)
		run.Error, run.ErrorZH = human.OneLine(both.EN), human.OneLine(both.ZH)
		run.Final = IsFinal(err)
	}
	if s.Tell != nil {
		s.Tell(run)
	}
	if run.Result == Stopped {
		return run, nil
	}
	return run, s.Record.Append(run)
}

// pulse is how often Loop looks at the clock at least: a machine that slept, or
// whose clock was set, is noticed within it.
const pulse = 30 * time.Second

// Loop runs what is due until ctx ends. after is called when something ran or
// could not be remembered; the loop goes on.
func (s *Scheduler) Loop(ctx context.Context, after func([]Run, error)) error {
	for {
		ran, err := s.RunDue(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if len(ran) > 0 || err != nil {
			after(ran, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.pause()):
		}
	}
}

func (s *Scheduler) pause() time.Duration {
	now := s.Clock.Now()
	wait := pulse
	for _, j := range s.Jobs {
		if next := j.Schedule.Next(now); !next.IsZero() {
			wait = min(wait, max(next.Sub(now), time.Second))
		}
	}
	return wait
}
