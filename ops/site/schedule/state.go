package schedule

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// State is a service's schedule: where it is installed, and what its jobs did.
type State struct {
	Installed string // Systemd, Cron, Nowhere or Unknown
	Unread    error  // why the crontab cannot be read; nil: it can, or systemd has the schedule
	Jobs      []Job
	Old       []watch.OldJob // the old script's lines that are still scheduled
	OldRun    *watch.OldRun  // what the old script last wrote; nil for nothing
	Running   *lock.Holder   // who runs jobs now
	Watch     *lock.Holder   // the watch that runs these jobs; nil: there is none
}

// Job is a scheduled job.
type Job struct {
	Name     string // daily, verify, drill
	Schedule string // as cron writes it
	Next     time.Time
	Last     *watch.Run // nil where none ran yet
	Missed   bool
	RetryAt  *time.Time // of a run that failed; nil: not before the next
}

// State looks at the schedule.
func (in *Installer) State(ctx context.Context) (State, error) {
	sh := in.shelf
	var out State
	out.Installed, out.Unread = in.Installed(ctx)
	jobs, err := sh.Nights().Jobs(nil)
	if err != nil {
		return out, err
	}
	last, err := watch.Record{Dir: sh.StateDir}.Last()
	if err != nil {
		return out, ops.Wrap(err, ops.Failed, lang.M("the record of runs cannot be read"))
	}
	now := sh.Clock.Now()
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, jobState(j, last, now))
	}
	out.Old = in.OldJobs(ctx)
	out.OldRun = oldRun(sh.Dir, now.Location())
	if who, held, _ := lock.Look(lockPath(sh)); held {
		out.Running = &who
	}
	if out.Watch, err = watch.RunningJobs(sh.StateDir, sh.Service.Name); err != nil {
		return out, ops.Wrap(err, ops.Failed, lang.M("cannot tell whether watch runs"))
	}
	return out, nil
}

func jobState(j watch.Job, last map[string]watch.Run, now time.Time) Job {
	_, name, _ := strings.Cut(j.Name, "/")
	out := Job{Name: name, Schedule: j.Schedule.(backup.Cron).Text, Next: j.Schedule.Next(now)}
	r, ok := last[j.Name]
	if !ok {
		return out
	}
	if r.Result != watch.Installed {
		out.Last = &r
	}
	due, is := watch.Due(j.Schedule, r, now)
	out.Missed = is && now.Sub(due) > backups.Grace
	if again, retry := watch.RetryAt(j.Schedule, r); retry {
		out.RetryAt = &again
	}
	return out
}

// oldRun is what the old script last wrote into its logs.
func oldRun(dir string, zone *time.Location) *watch.OldRun {
	var newest *watch.OldRun
	for _, name := range []string{"backup.log", "cron.log"} {
		text, err := tailOf(filepath.Join(dir, name), tailBytes)
		if err != nil {
			continue
		}
		if r, ok := watch.LastOldRun(text, zone); ok && (newest == nil || r.At.After(newest.At)) {
			newest = &r
		}
	}
	return newest
}

// tailBytes is how much of the end of a log or script is read.
const tailBytes = 256 << 10

func tailOf(path string, n int64) (string, error) {
	f, err := regular.Open(path)
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
