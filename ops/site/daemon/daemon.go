// Package daemon is what `opsdeck watch` does side by side: it runs the scheduled jobs, watches
// for alerts, archives binary logs, keeps standbys, and tells a supervisor that it lives.
package daemon

import (
	"context"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/watch"
	"strings"
)

// Daemon tells people what it does.
type Daemon struct {
	Lang *lang.Printer
	Say  func(lang.Msg)
}

// Run runs the jobs and the watcher side by side until both end.
func (d Daemon) Run(ctx context.Context, s *watch.Scheduler, w *alerts.Watcher) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.Begin(); err != nil { // before the first look: a new schedule is not an overdue one
		d.Say(lang.M("the record of runs cannot be written: %s", err.Error()))
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
			d.Say(lang.M("the record of runs cannot be written: %s", err.Error()))
		}
	})
	if err := <-ended; err != nil {
		return err
	}
	return failed
}

// Drills are the drills among jobs.
func Drills(jobs []watch.Job) (out []watch.Job) {
	for _, j := range jobs {
		if strings.HasSuffix(j.Name, "/drill") {
			out = append(out, j)
		}
	}
	return out
}

// Jobs are the scheduled jobs of services.
func Jobs(services []config.Service, open func(*config.Service) (*site.Site, error)) (jobs []watch.Job, err error) {
	for i := range services {
		if services[i].Backup.Dir == "" || !checks.HasDatabase(services[i].Database) {
			continue
		}
		sh, err := shelfOf(&services[i], open)
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

// shelfOf is the backups of a service.
func shelfOf(s *config.Service, open func(*config.Service) (*site.Site, error)) (*backups.Shelf, error) {
	at, err := open(s)
	if err != nil {
		return nil, err
	}
	return backups.Open(at)
}

// SayTargets says of each service who is told of its alerts.
func (d Daemon) SayTargets(services []config.Service) {
	for _, s := range services {
		targets := 0
		for _, n := range s.Notify {
			if n.WantsAlerts() {
				targets++
			}
		}
		if targets == 0 {
			d.Say(lang.M("%s: no target receives its alerts: add one to notify: in the configuration", s.Name))
			continue
		}
		d.Say(lang.M("%s: targets that receive its alerts: %d", s.Name, targets))
	}
}

// Tell narrates the runs of jobs.
func (d Daemon) Tell(r watch.Run) {
	switch r.Result {
	case "":
		d.Say(lang.M("%s starts %s", r.Started.Format("2006-01-02 15:04:05"), r.Job))
	case watch.Failed:
		d.Say(lang.M("%s FAILED: %s", r.Job, r.Error))
	default:
		d.Say(lang.M("%s %s in %s", r.Job, r.Result, human.Milliseconds(r.Ended.Sub(r.Started).Milliseconds())))
	}
}
