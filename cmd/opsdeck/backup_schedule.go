package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/site/schedule"
	"opsdeck/ops/watch"
)

// backupScheduleCmd is the group of the schedule verbs.
type backupScheduleCmd struct {
	Show    scheduleShowCmd    `cmd:"" help:"Show when backups, verifications and drills run, and what the last runs did."`
	Install scheduleInstallCmd `cmd:"" help:"Install systemd timers, or crontab entries where there is no systemd."`
	Remove  scheduleRemoveCmd  `cmd:"" help:"Remove the timers or crontab entries."`
	Run     scheduleRunCmd     `cmd:"" help:"Run a job now (default: all jobs that are due, including missed ones)."`
}

type scheduleRunCmd struct {
	Job    string `arg:"" optional:"" enum:",daily,verify,drill" default:"" help:"daily, verify or drill."`
	DryRun bool   `help:"Show what would run, run nothing."`
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
	p := a.progress()
	return schedule.Run(ctx, sh.Shelf, c.Job, p.report, p.done)
}

// say says what a run would do.
func (c *scheduleRunCmd) say(sh *shelf) error {
	if c.Job == "" {
		jobs, err := sh.Nights().Jobs(nil)
		if err != nil {
			return err
		}
		due := watch.Scheduler{Jobs: jobs, Record: watch.Record{Dir: sh.StateDir}}
		return sayDue(sh.printer, due, sh.app.clock.Now())
	}
	name, err := schedule.Named(sh.Shelf, c.Job)
	if err == nil && name != "" {
		sh.say(lang.M("%s would run now", name))
	}
	return err
}

type scheduleShowCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type (
	scheduleJSON struct {
		Installed string         `json:"installed"` // systemd, cron, none or unknown
		Jobs      []jobJSON      `json:"jobs"`
		Old       []watch.OldJob `json:"old_jobs"`
		OldRun    *watch.OldRun  `json:"old_last_run"`
		Running   *lock.Holder   `json:"running"`
		Watch     *lock.Holder   `json:"watch"` // the opsdeck watch that runs these jobs; null: none
	}
	jobJSON struct {
		Name       string     `json:"name"`
		Schedule   string     `json:"schedule"`
		NextAt     *time.Time `json:"next_at"`
		LastAt     *time.Time `json:"last_run_at"`
		LastResult string     `json:"last_result"`
		LastError  string     `json:"last_error"`
		why        lang.Msg
		DurationMS int64      `json:"last_duration_ms"`
		Missed     bool       `json:"missed"`
		RetryAt    *time.Time `json:"retry_at"` // of a run that failed; null: not before the next
	}
)

// Run shows the schedule.
func (c *scheduleShowCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	state, err := sh.installer().State(ctx)
	if err != nil {
		return err
	}
	doc := scheduleDocument(state)
	if c.JSON {
		if err := a.json(doc); err != nil || state.Unread == nil {
			return err
		}
		return exitCode(ops.Failed)
	}
	showSchedule(sh, doc)
	return state.Unread
}

func scheduleDocument(s schedule.State) scheduleJSON {
	doc := scheduleJSON{
		Installed: s.Installed,
		Old:       s.Old,
		OldRun:    s.OldRun,
		Running:   s.Running,
		Watch:     s.Watch,
	}
	for _, j := range s.Jobs {
		x := jobJSON{
			Name:     j.Name,
			Schedule: j.Schedule,
			NextAt:   timeOrNull(j.Next),
			Missed:   j.Missed,
			RetryAt:  j.RetryAt,
		}
		if r := j.Last; r != nil {
			x.LastAt = &r.Started
			x.LastResult = r.Result
			x.LastError = r.Error
			x.why = r.Why()
			x.DurationMS = r.Ended.Sub(r.Started).Milliseconds()
		}
		doc.Jobs = append(doc.Jobs, x)
	}
	return doc
}

// sayRunner says what runs the jobs: a schedule of the system, opsdeck watch, both, or
// nothing.
func sayRunner(sh *shelf, doc scheduleJSON) {
	installed := doc.Installed == schedule.Systemd || doc.Installed == schedule.Cron
	if installed {
		sh.say(lang.M("installed in %s", doc.Installed))
	}
	switch w := doc.Watch; {
	case w != nil && installed:
		sh.note(lang.M("watch (pid %d) runs these jobs too: remove one of the two: "+
			"opsdeck backup schedule remove, or start watch with --alerts-only", w.PID))
	case w != nil:
		sh.say(lang.M("watch runs these jobs: pid %d since %s", w.PID, sh.when(w.Since)))
	case doc.Installed == schedule.Unknown:
		sh.note(lang.M("it is unknown whether a schedule is installed"))
	case noneDue(doc.Jobs):
		sh.note(lang.M("every job is switched off in the configuration (never): there are no automatic backups"))
	case !installed:
		sh.note(lang.M("no schedule is installed (no automatic backups): run opsdeck backup schedule install, or " +
			"keep opsdeck watch running"))
	}
}

// noneDue tells whether no job has a time: to install them would install nothing.
func noneDue(jobs []jobJSON) bool {
	return !slices.ContainsFunc(jobs, func(j jobJSON) bool { return j.NextAt != nil })
}

func showSchedule(sh *shelf, doc scheduleJSON) {
	th := sh.theme()
	p := sh.lang
	sayRunner(sh, doc)
	t := cells.Table{
		Max:  sh.width(),
		Head: []string{p.T("job"), p.T("schedule"), p.T("next"), p.T("last run"), p.T("result")},
	}
	for _, j := range doc.Jobs {
		next := sh.drawn("–")
		last := sh.drawn("–")
		result := sh.drawn("–")
		if j.NextAt != nil {
			next = j.NextAt.Format("2006-01-02 15:04")
		}
		if j.LastAt != nil {
			last = j.LastAt.Local().Format("2006-01-02 15:04")
			state := ops.StateOK
			if j.LastResult == watch.Failed {
				state = ops.StateCritical
			}
			result = sh.mark(state, j.LastResult) + " " + termsafe.Line(human.OneLine(sh.lang.Msg(j.why)))
		}
		if j.RetryAt != nil {
			result += " " + th.Warn.Render(p.T("next attempt at %s", j.RetryAt.Local().Format("15:04")))
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
