package main

import (
	"context"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/checks"
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
	s := watch.Scheduler{Record: watch.Record{Dir: state}, Clock: a.clock, Tell: teller(a.printer)}
	jobs, err := scheduledJobs(services, a.shelfOf)
	if err != nil {
		return err
	}
	drills := watch.Scheduler{Record: s.Record, Clock: a.clock, Jobs: drillsOf(jobs)}
	if !c.AlertsOnly {
		s.Jobs = jobs
	}
	var followed []*shelf
	var standbys []*standby.Keeper
	if !c.AlertsOnly {
		if followed, err = followedBinlogs(services, a.shelfOf); err != nil {
			return err
		}
		if standbys, err = standbyKeepers(a.printer, services, a.deskOf); err != nil {
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
	held, err := lock.Take(watchLock(state), lock.Holder{User: oplog.UserName(), What: what})
	if err != nil {
		return err
	}
	defer held.Release()
	if c.AlertsOnly { // from now on a drill can become overdue, whoever runs it
		if err := drills.Begin(); err != nil {
			a.note(lang.M("the record of runs cannot be written: %s", err.Error()))
		}
	}
	defer followBinlogs(ctx, a.printer, followed)()
	defer keepStandbys(ctx, a.printer, standbys)()
	a.note(lang.M("watching %d jobs; stop with ctrl-c", len(s.Jobs)))
	sayWatched(a.printer, services)
	defer beat(ctx, a.printer, services, beatEvery)()
	w.Beat = supervisor(a.getenv)
	return watchBoth(ctx, a.printer, &s, w)
}

// watchBoth runs the jobs and the watcher side by side until both end.
func watchBoth(ctx context.Context, p *printer, s *watch.Scheduler, w *alerts.Watcher) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.Begin(); err != nil { // before the first look: a new schedule is not an overdue one
		p.note(lang.M("the record of runs cannot be written: %s", err.Error()))
	}
	ended := make(chan error, 1)
	go func() {
		err := w.Run(ctx)
		if err != nil {
			stop()
		}
		ended <- err
	}()
	failed := s.Loop(ctx, func(_ []watch.Run, err error) {
		if err != nil {
			p.note(lang.M("the record of runs cannot be written: %s", err.Error()))
		}
	})
	if err := <-ended; err != nil {
		return err
	}
	return failed
}

// drillsOf are the drills among jobs.
func drillsOf(jobs []watch.Job) (out []watch.Job) {
	for _, j := range jobs {
		if strings.HasSuffix(j.Name, "/drill") {
			out = append(out, j)
		}
	}
	return out
}

// scheduledJobs are the scheduled jobs of services; open opens the backups of one.
func scheduledJobs(
	services []config.Service,
	open func(*config.Service) (*shelf, error),
) (jobs []watch.Job, err error) {
	for i := range services {
		if services[i].Backup.Dir == "" || !checks.HasDatabase(services[i].Database) {
			continue
		}
		sh, err := open(&services[i])
		if err != nil {
			return nil, err
		}
		some, err := sh.Nights().Jobs(nil)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, some...)
	}
	return jobs, nil
}

// sayWatched says of each service who is told of its alerts.
func sayWatched(p *printer, services []config.Service) {
	for _, s := range services {
		targets := 0
		for _, n := range s.Notify {
			if n.WantsAlerts() {
				targets++
			}
		}
		if targets == 0 {
			p.note(lang.M("%s: no target receives its alerts: add one to notify: in the configuration", s.Name))
			continue
		}
		p.note(lang.M("%s: targets that receive its alerts: %d", s.Name, targets))
	}
}

// teller narrates the runs.
func teller(p *printer) func(watch.Run) {
	return func(r watch.Run) {
		switch r.Result {
		case "":
			p.note(lang.M("%s starts %s", r.Started.Format("2006-01-02 15:04:05"), r.Job))
		case watch.Failed:
			p.note(lang.M("%s FAILED: %s", r.Job, r.Error))
		default:
			p.note(lang.M("%s %s in %s", r.Job, r.Result, human.Milliseconds(r.Ended.Sub(r.Started).Milliseconds())))
		}
	}
}
