package schedule

import (
	"context"
	"path/filepath"
	"strings"

	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

func lockPath(sh *backups.Shelf) string { return filepath.Join(sh.StateDir, "locks", "schedule.lock") }

// Run runs a job now; without a name all that are due, missed ones too. One process at a
// time does; busy is *lock.HeldError. The error is that of the last run that failed.
func Run(ctx context.Context, sh *backups.Shelf, name string, report func(ops.Progress), ended func()) error {
	held, err := lock.Take(lockPath(sh), lock.Holder{User: oplog.UserName(), What: "backup schedule run"})
	if err != nil {
		return err
	}
	defer held.Release()
	jobs, err := sh.Nights().Jobs(report)
	if err != nil {
		return err
	}
	var failed error
	s := watch.Scheduler{Jobs: jobs, Record: watch.Record{Dir: sh.StateDir}, Clock: sh.Clock}
	for i, j := range jobs {
		run := j.Run
		jobs[i].Run = func(ctx context.Context) error {
			err := run(ctx)
			ended()
			if err != nil {
				failed = err
			}
			return err
		}
	}
	if name == "" {
		_, err = s.RunDue(ctx)
	}
	for _, j := range named(jobs, name) {
		_, err = s.Run(ctx, j, sh.Clock.Now())
	}
	if failed != nil {
		return failed
	}
	return err
}

// Named is the full name of a job as the record of runs has it; "" for no such job.
func Named(sh *backups.Shelf, name string) (string, error) {
	jobs, err := sh.Nights().Jobs(nil)
	if err != nil {
		return "", err
	}
	for _, j := range named(jobs, name) {
		return j.Name, nil
	}
	return "", nil
}

// named is the job of that name; none for "".
func named(jobs []watch.Job, name string) (out []watch.Job) {
	for _, j := range jobs {
		if name != "" && strings.HasSuffix(j.Name, "/"+name) {
			out = append(out, j)
		}
	}
	return out
}
