package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// backupScheduleCmd is the group of the schedule verbs.
type backupScheduleCmd struct {
	Show    scheduleShowCmd    `cmd:"" help:"Show when backups, verifications and drills run, and what the last runs did."`
	Install scheduleInstallCmd `cmd:"" help:"Install systemd timers, or cron's lines where there is no systemd."`
	Remove  scheduleRemoveCmd  `cmd:"" help:"Take the timers or cron's lines away."`
	Run     scheduleRunCmd     `cmd:"" help:"Run a job now; without a name all that are due, missed ones too."`
}

type scheduleRunCmd struct {
	Job    string `arg:"" optional:"" enum:",daily,verify,drill" default:"" help:"daily, verify or drill."`
	DryRun bool   `help:"Say what would be run, run nothing."`
}

// Run runs jobs. One process at a time does; the second ends with 75.
func (c *scheduleRunCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.say(sh)
	}
	held, err := lock.Take(
		filepath.Join(sh.StateDir, "locks", "schedule.lock"),
		lock.Holder{User: oplog.UserName(), What: "backup schedule run"},
	)
	if err != nil {
		return err
	}
	defer held.Release()
	p := a.progress()
	jobs, err := sh.Nights().Jobs(p.report)
	if err != nil {
		return err
	}
	var failed error
	s := watch.Scheduler{Jobs: jobs, Record: watch.Record{Dir: sh.StateDir}, Clock: sh.clock}
	for i, j := range jobs {
		run := j.Run
		jobs[i].Run = func(ctx context.Context) error {
			err := run(ctx)
			p.done()
			if err != nil {
				failed = err
			}
			return err
		}
	}
	if c.Job == "" {
		_, err = s.RunDue(ctx)
		return first(failed, err)
	}
	for _, j := range jobs {
		if strings.HasSuffix(j.Name, "/"+c.Job) {
			_, err = s.Run(ctx, j, sh.clock.Now())
		}
	}
	return first(failed, err)
}

// say says what a run would do.
func (c *scheduleRunCmd) say(sh *shelf) error {
	jobs, err := sh.Nights().Jobs(nil)
	if err != nil {
		return err
	}
	if c.Job == "" {
		return sh.sayDue(watch.Scheduler{Jobs: jobs, Record: watch.Record{Dir: sh.StateDir}})
	}
	for _, j := range jobs {
		if strings.HasSuffix(j.Name, "/"+c.Job) {
			sh.say(lang.M("%s would be run now", j.Name))
		}
	}
	return nil
}

// first is the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type scheduleShowCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type (
	scheduleJSON struct {
		Installed string       `json:"installed"` // systemd, cron or none
		Jobs      []jobJSON    `json:"jobs"`
		Old       []oldJobJSON `json:"old_jobs"`
		OldRun    *oldRunJSON  `json:"old_last_run"`
		Running   *lock.Holder `json:"running"`
	}
	jobJSON struct {
		Name       string     `json:"name"`
		Schedule   string     `json:"schedule"`
		NextAt     *time.Time `json:"next_at"`
		LastAt     *time.Time `json:"last_run_at"`
		LastResult string     `json:"last_result"`
		LastError  string     `json:"last_error"`
		DurationMS int64      `json:"last_duration_ms"`
		Missed     bool       `json:"missed"`
		RetryAt    *time.Time `json:"retry_at"` // of a run that failed; null: not before the next
	}
	oldJobJSON struct {
		File string `json:"file"`
		Line string `json:"line"`
	}
	oldRunJSON struct {
		At   time.Time `json:"at"`
		OK   bool      `json:"ok"`
		Line string    `json:"line"`
	}
)

// Run shows the schedule.
func (c *scheduleShowCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	doc, err := sh.scheduleJSON(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(doc)
	}
	sh.showSchedule(doc)
	return nil
}

func (sh *shelf) scheduleJSON(ctx context.Context) (scheduleJSON, error) {
	where := sh.installer(ctx)
	doc := scheduleJSON{Installed: where.installed(), Jobs: []jobJSON{}, Old: []oldJobJSON{}}
	jobs, err := sh.Nights().Jobs(nil)
	if err != nil {
		return doc, err
	}
	last, err := watch.Record{Dir: sh.StateDir}.Last()
	if err != nil {
		return doc, ops.Wrap(err, ops.Failed, lang.M("the record of runs cannot be read"))
	}
	now := sh.clock.Now()
	for _, j := range jobs {
		_, name, _ := strings.Cut(j.Name, "/")
		x := jobJSON{Name: name, Schedule: j.Schedule.(backup.Cron).Text, NextAt: timeOrNull(j.Schedule.Next(now))}
		if r, ok := last[j.Name]; ok && r.Result != watch.Installed {
			x.LastAt, x.LastResult, x.LastError, x.DurationMS = &r.Started, r.Result, r.Error, r.Ended.Sub(r.Started).
				Milliseconds()
		}
		if r, ok := last[j.Name]; ok {
			due, is := watch.Due(j.Schedule, r, now)
			x.Missed = is && now.Sub(due) > backups.Grace
			if again, retry := watch.RetryAt(j.Schedule, r); retry {
				x.RetryAt = &again
			}
		}
		doc.Jobs = append(doc.Jobs, x)
	}
	for _, o := range where.oldJobs() {
		doc.Old = append(doc.Old, oldJobJSON{o.File, o.Line})
	}
	doc.OldRun = sh.oldRun()
	if who, held, _ := lock.Look(filepath.Join(sh.StateDir, "locks", "schedule.lock")); held {
		doc.Running = &who
	}
	return doc, nil
}

// oldRun is what the old script last wrote into its logs.
func (sh *shelf) oldRun() *oldRunJSON {
	var newest *oldRunJSON
	for _, name := range []string{"backup.log", "cron.log"} {
		text, err := tailOf(filepath.Join(sh.Dir, name), 256<<10)
		if err != nil {
			continue
		}
		if r, ok := watch.LastOldRun(text, sh.clock.Now().Location()); ok &&
			(newest == nil || r.At.After(newest.At)) {
			newest = &oldRunJSON{r.At, r.OK, r.Line}
		}
	}
	return newest
}

func tailOf(path string, n int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", errors.New("not a plain file")
	}
	b := make([]byte, min(n, info.Size()))
	_, err = f.ReadAt(b, info.Size()-int64(len(b)))
	return string(b), err
}

func (sh *shelf) showSchedule(doc scheduleJSON) {
	th, p := sh.theme(), sh.lang
	switch doc.Installed {
	case "none":
		sh.note(lang.M("no schedule is installed: opsdeck backup schedule install, or let opsdeck watch run"))
	default:
		sh.say(lang.M("installed in %s", doc.Installed))
	}
	t := cells.Table{
		Max:  sh.width(),
		Head: []string{p.T("job"), p.T("schedule"), p.T("next"), p.T("last run"), p.T("result")},
	}
	for _, j := range doc.Jobs {
		next, last, result := "–", "–", "–"
		if j.NextAt != nil {
			next = j.NextAt.Format("2006-01-02 15:04")
		}
		if j.LastAt != nil {
			last = j.LastAt.Local().Format("2006-01-02 15:04")
			style, glyph := th.State(ops.StateOK)
			if j.LastResult == watch.Failed {
				style, glyph = th.State(ops.StateCritical)
			}
			result = style.Render(glyph+" "+j.LastResult) + " " + termsafe.Line(j.LastError)
		}
		if j.RetryAt != nil {
			result += " " + th.Warn.Render(p.T("tried again at %s", j.RetryAt.Local().Format("15:04")))
		}
		if j.Missed {
			result += " " + th.Warn.Render(p.T("a run was missed"))
		}
		t.Rows = append(t.Rows, []string{j.Name, j.Schedule, next, last, result})
	}
	fmt.Fprint(sh.out, t)
	if doc.Running != nil {
		sh.note(lang.M("running now: pid %d since %s", doc.Running.PID, doc.Running.Since.Format("15:04:05")))
	}
	for _, o := range doc.Old {
		sh.note(lang.M("the old script is still scheduled: %s", termsafe.Line(strings.TrimSpace(o.File+" "+o.Line))))
	}
	if doc.OldRun != nil {
		sh.note(lang.M("the old script's last run: %s", termsafe.Line(doc.OldRun.Line)))
	}
}
