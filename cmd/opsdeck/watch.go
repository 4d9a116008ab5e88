package main

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/standby"
	"opsdeck/ops/watch"
)

type watchCmd struct {
	Run       watchRunCmd       `cmd:"" default:"withargs" help:"Run the scheduled jobs and send alerts."`
	Rules     watchRulesCmd     `cmd:"" help:"List the rules of the alerts with the last value of each."`
	Test      watchTestCmd      `cmd:"" help:"Send a test message to a target, or to the targets of a rule."`
	Silence   watchSilenceCmd   `cmd:"" help:"Send no alerts of a rule for a while."`
	Unsilence watchUnsilenceCmd `cmd:"" help:"End the silences of a rule."`
	Silences  watchSilencesCmd  `cmd:"" help:"List the silences."`
	Install   watchInstallCmd   `cmd:"" help:"Have systemd, PM2 or cron start watch with the machine."`
	Ack       watchAckCmd       `cmd:"" help:"Acknowledge alerts: they are not sent again and not escalated."`
}

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
	held, err := lock.Take(watchLock(state), lock.Holder{User: oplog.UserName(), What: "watch"})
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

// alertWatcher is the watcher of services, ready to run. With marks its checks note how far
// they judged.
func alertWatcher(a *app, services []config.Service, state string, marks bool) (*alerts.Watcher, error) {
	w := &alerts.Watcher{StateDir: state, Clock: a.clock, Lang: a.lang, Say: a.note}
	for i := range services {
		s := services[i]
		mark := ""
		if marks {
			mark = filepath.Join(state, "audit-judged-"+url.PathEscape(s.Name))
		}
		styles, err := a.logStyles(&s)
		if err != nil {
			return nil, err
		}
		w.Services = append(w.Services, alerts.Service{
			Config:  s,
			Checks:  watchedChecks(a.checked(&s), mark),
			Site:    func() (*site.Site, error) { return a.site(&s) },
			Styles:  styles.Of,
			Program: a.programFor(s.Name),
		})
	}
	return w, w.Prepare()
}

// watchedChecks are the checks that watch makes: those of Status but the one of watch
// itself, and further ones. mark is the file of how far audit rows were judged, or "".
func watchedChecks(source checks.Source, mark string) []health.Check {
	source.Mark = mark
	all := append(checks.Of(source), checks.Further(source)...)
	return slices.DeleteFunc(all, func(c health.Check) bool { return c.Name == checks.AlertsName })
}

// sayWatched says of each service who is told of its alerts.
func sayWatched(p *printer, services []config.Service) {
	for _, s := range services {
		told := 0
		for _, n := range s.Notify {
			if n.WantsAlerts() {
				told++
			}
		}
		if told == 0 {
			p.note(lang.M("%s: no target receives its alerts: add one to notify: in the configuration", s.Name))
			continue
		}
		p.note(lang.M("%s: targets that receive its alerts: %d", s.Name, told))
	}
}

// watchLock is the lock that the running watch of a state folder holds.
func watchLock(state string) string { return filepath.Join(state, "locks", "watch.lock") }

// sayDue says of each job whether it would be run now, and when it comes next.
func sayDue(p *printer, s watch.Scheduler, now time.Time) error {
	last, err := s.Record.Last()
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of runs cannot be read"))
	}
	for _, j := range s.Jobs {
		if ran, known := last[j.Name]; known {
			if due, is := watch.Due(j.Schedule, ran, now); is {
				p.say(lang.M("%s would run now: due since %s", j.Name, due.Format("2006-01-02 15:04")))
				continue
			}
			if again, retry := watch.RetryAt(j.Schedule, ran); retry {
				p.say(lang.M("%s failed; next attempt at %s", j.Name, again.Local().Format("2006-01-02 15:04")))
				continue
			}
		}
		p.say(lang.M("%s is not due; next at %s", j.Name, j.Schedule.Next(now).Format("2006-01-02 15:04")))
	}
	return nil
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
			p.note(lang.M("%s %s in %s", r.Job, r.Result, ms(r.Ended.Sub(r.Started).Milliseconds())))
		}
	}
}
