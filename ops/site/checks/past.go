package checks

import (
	"context"
	"path/filepath"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// Names of the checks over what was to be done.
const (
	JobsMissed  = "jobs-missed"
	DrillLate   = "drill-overdue"
	CopiesLate  = "copies-behind"
	BackupJumps = "backup-jump"
	BinlogLate  = "binlog-lag"
)

const (
	pastPace   = 60                   // intervals between two looks
	drillEvery = 100 * 24 * time.Hour // a quarter, and some days
	copyGrace  = 6 * time.Hour        // for a verified backup to be at its copies
	lagWarn    = 5 * time.Minute
	lagBad     = time.Hour
	missedFor  = 2 * time.Hour // a run may be tried again, or still be at work
)

// past are the checks over jobs, drills, copies and the archive of the binary log.
func (b *checker) past() {
	p := b.Service.Backup
	if p.Dir == "" || !HasDatabase(b.Service.Database) {
		return
	}
	add := func(name string, look health.Probe, limits []health.Limit, command string) {
		b.add(name, health.KindJob, pastPace, look, limits, command)
		b.checks[len(b.checks)-1].Timeout = inventoryTimeout
	}
	add(JobsMissed, b.jobsMissed, limits(lang.M("a scheduled run"), lang.M("missed"), lang.Msg{}),
		"opsdeck backup schedule show")
	add(DrillLate, b.drillLate,
		limits(lang.M("last drill that passed"), lang.M("over %s ago", human.Duration(drillEvery)), lang.Msg{}),
		"opsdeck backup drills")
	add(BackupJumps, b.backupJumps,
		limits(lang.M("size and rows compared with the previous four"), lang.M("%s more or less", "50 %"), lang.Msg{}),
		"opsdeck backup list")
	if len(p.Copies) > 0 {
		add(CopiesLate, b.copiesLate,
			limits(lang.M("a verified backup is missing at a copy"), lang.M("after %s", human.Duration(copyGrace)),
				lang.Msg{}),
			"opsdeck backup sync --dry-run")
	}
	if p.Binlog != "" {
		lag := limits(lang.M("lag"), lang.M("over %s", human.Duration(lagWarn)), lang.M("over %s",
			human.Duration(lagBad)))
		add(BinlogLate, b.binlogLate, lag, "opsdeck backup binlog list")
		b.checks[len(b.checks)-1].Interval = slowPace * b.Service.Health.Interval
	}
}

// jobsMissed looks for runs of the schedule that did not come.
func (b *checker) jobsMissed(context.Context) health.Result {
	at, err := b.Site()
	if err != nil {
		return cannot(lang.M("the record of runs cannot be read"), err)
	}
	last, err := watch.Record{Dir: at.StateDir}.Last()
	if err != nil {
		return health.CannotTell(lang.M("the record of runs cannot be read"), lang.Raw(err.Error()))
	}
	p := b.Service.Backup
	specs := map[string]string{"daily": p.Daily, "verify": p.Verify, "drill": p.Drill}
	r := health.Result{}
	counts := map[string]int{}
	var missed []string
	seen := 0
	for _, job := range backups.JobNames {
		run, ok := last[b.Service.Name+"/"+job]
		schedule, err := backup.ParseCron(specs[job])
		if !ok || err != nil {
			continue
		}
		seen++
		counts[run.Result]++
		r.Add("last_"+job, run.Started, lang.M("%s, %s", run.Started, run.Outcome()))
		if due, is := missedSince(schedule, run, b.Now(), works(at.StateDir, b.Service.Name)); is {
			missed = append(missed, job+" "+due.Format("2006-01-02 15:04"))
		}
	}
	switch {
	case len(missed) > 0:
		r.Find(ops.StateWarning, lang.M("scheduled runs were missed: %s", lang.List(missed)), lang.Msg{})
		r.Next = lang.M("See whether the schedule is installed: %s", "opsdeck backup schedule show")
	case seen == 0:
		r.Detail = lang.M("opsdeck has run no scheduled jobs")
	default:
		r.Detail = lang.M("no scheduled run was missed; last run done: %d, failed: %d, not due yet: %d",
			counts[watch.Done], counts[watch.Failed], counts[watch.Installed])
	}
	return r
}

// missedSince is the newest run of a schedule that did not come: its time is long past,
// or the next one came too while nobody was at work.
func missedSince(s backup.Cron, last watch.Run, now time.Time, atWork bool) (due time.Time, is bool) {
	if due, is = watch.Due(s, last, now.Add(-missedFor)); is || atWork {
		return due, is
	}
	newest := s.Last(now)
	if newest.IsZero() {
		return due, false
	}
	return watch.Due(s, last, newest.Add(-time.Second))
}

// works tells whether somebody runs the schedule at this moment: watch, or a run of it.
// What cannot be told counts as yes: a late run is not yet a missed one.
func works(dir, service string) bool {
	who, err := watch.RunningJobs(dir, service)
	if who != nil || err != nil {
		return true
	}
	_, held, err := lock.Look(filepath.Join(dir, "locks", "schedule.lock"))
	return held || err != nil
}

// drillLate looks when a restore was last rehearsed.
func (b *checker) drillLate(context.Context) health.Result {
	at, err := b.Site()
	if err != nil {
		return cannot(lang.M("the record of drills cannot be read"), err)
	}
	drills, err := backup.Drills(at.StateDir, b.Service.Database.Name)
	if err != nil {
		return health.CannotTell(lang.M("the record of drills cannot be read"), lang.Raw(err.Error()))
	}
	next := lang.M("Drill a restore: %s", "opsdeck backup drill")
	for _, d := range drills {
		if d.Result != backup.Passed {
			continue
		}
		age := b.Now().Sub(d.At)
		r := health.Result{Subject: d.At, Detail: lang.M("the last drill passed on %s", d.At)}
		r.Add("last_drill", d.At, lang.M("%s", d.At))
		if age > drillEvery {
			ago := human.Duration(age.Truncate(time.Hour))
			r.Find(ops.StateWarning, lang.M("the last drill that passed was %s ago", ago),
				lang.M("limit %s", human.Duration(drillEvery)))
			r.Next = next
		}
		return r
	}
	last, err := watch.Record{Dir: at.StateDir}.Last()
	run, ok := last[b.Service.Name+"/drill"]
	if err == nil && ok && run.Result == watch.Installed && b.Now().Sub(run.Started) < drillEvery {
		return health.Result{Detail: lang.M("no drill has passed yet; the schedule was installed on %s", run.Started)}
	}
	r := health.Result{}
	r.Find(ops.StateWarning, lang.M("no drill has passed yet"), lang.Msg{})
	r.Next = next
	return r
}

// shelved takes the inventory.
func (b *checker) shelved(ctx context.Context) (*backup.Inventory, error) {
	shelf, err := (inventory{b.Source}).shelf()
	if err != nil {
		return nil, err
	}
	return shelf.Look(ctx)
}

// backupJumps holds the newest usable backup against those before it.
func (b *checker) backupJumps(ctx context.Context) health.Result {
	inv, err := b.shelved(ctx)
	if err != nil {
		return cannot(lang.M("cannot check the backup folder"), err)
	}
	s := backup.NewestUsable(inv, b.Service.Database.Name)
	if s == nil {
		return health.Result{Detail: lang.M("there is no good backup")} // told by the check of the backups
	}
	j, jumped, known := inv.Jumps(s)
	if !known {
		return health.Result{Detail: lang.M("too few backups to compare")}
	}
	r := health.Result{Detail: j.Text(), Subject: s.At}
	r.Add("share", j.Share(), lang.Msg{})
	if jumped {
		r.Find(ops.StateWarning, j.Text(), lang.Raw(s.Name))
		// The backup may have been removed before somebody reads this.
		r.Next = lang.M("See what changed: %s", "opsdeck backup list")
	}
	return r
}

// copiesLate looks for verified backups that a copy should hold and does not.
func (b *checker) copiesLate(ctx context.Context) health.Result {
	shelf, err := (inventory{b.Source}).shelf()
	if err != nil {
		return cannot(lang.M("cannot check the backup folder"), err)
	}
	inv, err := shelf.Look(ctx)
	if err != nil {
		return cannot(lang.M("cannot check the backup folder"), err)
	}
	var r health.Result
	var newest *backup.Set
	for _, c := range b.Service.Backup.Copies {
		sets, err := shelf.Wanted(c, inv)
		if err != nil {
			return cannot(lang.M("the record of the copies cannot be read"), err)
		}
		s := b.pastGrace(sets)
		if s == nil {
			continue
		}
		if newest == nil || s.At.After(newest.At) {
			newest = s
		}
		if !holds(s, c.Name) {
			r.FindNext(ops.StateWarning, lang.M("the copy %s does not have %s", c.Name, s.Name), lang.Msg{},
				lang.M("Send it: %s", "opsdeck backup sync"))
		}
	}
	if newest == nil {
		return health.Result{Detail: lang.M("no verified backup is older than %s", human.Duration(copyGrace))}
	}
	r.Detail = lang.M("the copies have %s", newest.Name)
	r.Subject = newest.At
	return r
}

// pastGrace is the newest of the backups that were verified longer ago than a copy may
// take to receive them.
func (b *checker) pastGrace(sets []*backup.Set) (newest *backup.Set) {
	for _, s := range sets {
		if b.Now().Sub(s.Checked) > copyGrace && (newest == nil || s.At.After(newest.At)) {
			newest = s
		}
	}
	return newest
}

func holds(s *backup.Set, copy string) bool {
	for _, c := range s.Copies {
		if c.Copy == copy && c.State == backup.Good {
			return true
		}
	}
	return false
}

// binlogLate looks how far the archive of the binary log is.
func (b *checker) binlogLate(ctx context.Context) health.Result {
	shelf, err := (inventory{b.Source}).shelf()
	if err != nil {
		return cannot(lang.M("the binlog archive cannot be read"), err)
	}
	h, err := shelf.Binlog().Holdings(ctx)
	if err != nil {
		return health.CannotTell(lang.M("the binlog archive cannot be read"), lang.Raw(err.Error()))
	}
	live := shelf.Binlog().Live(ctx, h)
	lag := live.Lag
	if !live.Known {
		r := health.CannotTell(lang.M("the lag of the binlog archive is unknown"),
			lang.M("the server does not respond, or its log is not archived"))
		r.Follows = health.KindMySQL
		return r
	}
	r := health.Result{Detail: lang.M("the binlog archive lags by %s", human.Duration(lag))}
	r.Add("lag_ms", lag.Milliseconds(), lang.Raw(human.Duration(lag)))
	headline := lang.M("the binlog archive lags by %s", human.Duration(lag.Truncate(time.Second)))
	switch {
	case lag > lagBad:
		r.Find(ops.StateCritical, headline, lang.M("limit %s", human.Duration(lagBad)))
	case lag > lagWarn:
		r.Find(ops.StateWarning, headline, lang.M("limit %s", human.Duration(lagWarn)))
	}
	if r.State != ops.StateOK {
		r.Next = lang.M("Check whether it is archived: %s", "opsdeck backup binlog list")
	}
	return r
}
