package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/daemon"
	"opsdeck/ops/site/standby"
	"opsdeck/ops/watch"
)

type watchRunCmd struct {
	AlertsOnly bool `help:"Run no scheduled jobs: systemd or cron does."`
	DryRun     bool `help:"Show which jobs would run now and what would be sent; run and send nothing."`
}

// Run is the daemon: it runs what is due, missed runs too, and watches, until it is
// told to stop. One watch at a time runs on a state folder.
func (c *watchRunCmd) Run(ctx context.Context, a *app) error {
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
	w, err := alertWatcher(a, services, state, !c.DryRun)
	if err != nil {
		return err
	}
	d := daemon.Daemon{Lang: a.lang, Say: a.note}
	s := watch.Scheduler{Record: watch.Record{Dir: state}, Clock: a.clock, Tell: d.Tell}
	jobs, err := daemon.Jobs(services, a.site)
	if err != nil {
		return err
	}
	drills := watch.Scheduler{Record: s.Record, Clock: a.clock, Jobs: daemon.Drills(jobs)}
	if !c.AlertsOnly {
		s.Jobs = jobs
	}
	var followed []*backups.Shelf
	var standbys []*standby.Keeper
	if !c.AlertsOnly {
		if followed, err = daemon.Followed(services, a.site); err != nil {
			return err
		}
		if standbys, err = d.Keepers(services, a.site); err != nil {
			return err
		}
	}
	if c.DryRun {
		for _, k := range standbys {
			a.say(lang.M("the standby of %s would be kept up to date", k.Service.Name))
		}
		for _, sh := range followed {
			a.say(lang.M("the binlog of %s would be archived continuously", sh.Service.Name))
		}
		if err := sayDue(a.printer, s, a.clock.Now()); err != nil {
			return err
		}
		return saySights(ctx, a.printer, w)
	}
	what := watch.HolderName(c.AlertsOnly, a.flags.Service)
	held, err := lock.Take(watch.LockPath(state), lock.Holder{User: oplog.UserName(), What: what})
	if err != nil {
		return err
	}
	defer held.Release()
	if c.AlertsOnly { // from now on a drill can become overdue, whoever runs it
		if err := drills.Begin(); err != nil {
			a.note(lang.M("the record of runs cannot be written: %s", err.Error()))
		}
	}
	defer d.FollowBinlogs(ctx, followed)()
	defer d.KeepStandbys(ctx, standbys)()
	a.note(lang.M("watching %d jobs; stop with ctrl-c", len(s.Jobs)))
	d.SayTargets(services)
	defer d.Beat(ctx, services, daemon.BeatEvery)()
	w.Beat = daemon.Supervisor(a.getenv)
	return d.Run(ctx, &s, w)
}
