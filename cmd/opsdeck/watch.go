package main

import (
	"path/filepath"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/watch"
)

type watchCmd struct {
	DryRun bool `help:"Say what would be run now and what comes next, run nothing."`
}

// Run is the built-in scheduler: it runs what is due until it is told to stop,
// missed runs too. One watch at a time runs on a state folder.
func (c *watchCmd) Run(a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	services, err := a.statusServices()
	if err != nil {
		return err
	}
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	s := watch.Scheduler{Record: watch.Record{Dir: state}, Clock: a.clock, Tell: a.tellRun}
	for i := range services {
		if services[i].Backup.Dir == "" || !checks.HasDatabase(services[i].Database) {
			continue
		}
		sh, err := a.shelfOf(&services[i])
		if err != nil {
			return err
		}
		jobs, err := sh.Jobs(nil)
		if err != nil {
			return err
		}
		s.Jobs = append(s.Jobs, jobs...)
	}
	if c.DryRun {
		return a.sayDue(s)
	}
	held, err := lock.Take(
		watchLock(state),
		lock.Holder{User: oplog.UserName(), What: "watch"},
	)
	if err != nil {
		return err
	}
	defer held.Release()
	a.note(lang.M("watching %d jobs; stop with ctrl-c", len(s.Jobs)))
	return s.Loop(a.ctx, func(_ []watch.Run, err error) {
		if err != nil {
			a.note(lang.M("the record of runs cannot be written: %s", err.Error()))
		}
	})
}

// watchLock is the lock that the running watch of a state folder holds.
func watchLock(state string) string { return filepath.Join(state, "locks", "watch.lock") }

// sayDue says of each job whether it would be run now, and when it comes next.
func (a *app) sayDue(s watch.Scheduler) error {
	last, err := s.Record.Last()
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of runs cannot be read"))
	}
	now := a.clock.Now()
	for _, j := range s.Jobs {
		if ran, known := last[j.Name]; known {
			if due, is := watch.Due(j.Schedule, ran, now); is {
				a.say(lang.M("%s would be run now: due since %s", j.Name, due.Format("2006-01-02 15:04")))
				continue
			}
			if again, retry := watch.RetryAt(j.Schedule, ran); retry {
				a.say(lang.M("%s failed and is tried again at %s", j.Name, again.Local().Format("2006-01-02 15:04")))
				continue
			}
		}
		a.say(lang.M("%s is not due; next at %s", j.Name, j.Schedule.Next(now).Format("2006-01-02 15:04")))
	}
	return nil
}

// tellRun narrates the runs.
func (a *app) tellRun(r watch.Run) {
	switch r.Result {
	case "":
		a.note(lang.M("%s begins %s", r.Started.Format("2006-01-02 15:04:05"), r.Job))
	case watch.Failed:
		a.note(lang.M("%s FAILED: %s", r.Job, r.Error))
	default:
		a.note(lang.M("%s %s in %s", r.Job, r.Result, ms(r.Ended.Sub(r.Started).Milliseconds())))
	}
}
