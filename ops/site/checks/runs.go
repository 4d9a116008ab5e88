package checks

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// withRuns adds to the backup check what the scheduled runs did last: a night
// that failed is critical, a verification or drill that failed a warning.
func (b *checker) withRuns(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		at, err := b.Site()
		if err != nil {
			return r
		}
		last, err := watch.Record{Dir: at.StateDir}.Last()
		if err != nil {
			r.Find(ops.StateWarning, lang.M("the record of runs cannot be read"), lang.Msg{})
			return r
		}
		for _, job := range backups.JobNames {
			run, ok := last[b.Service.Name+"/"+job]
			if !ok || run.Result == watch.Installed {
				continue
			}
			at := run.Started.In(b.Now().Location()).Format("2006-01-02 15:04")
			r.Add("last_"+job, run.Started, lang.M("%s, %s", at, run.Outcome()))
			if run.Result != watch.Failed || job == "daily" && madeAfter(r, run.Started) {
				continue
			}
			state := ops.StateWarning
			if job == "daily" {
				state = ops.StateCritical
			}
			r.Find(state, lang.M("the scheduled run %q of %s failed", job, at), lang.Raw(human.OneLine(run.Error)))
		}
		return r
	}
}

// madeAfter tells whether the newest good backup that the check found is younger
// than a run that failed: what the run did not do was done since.
func madeAfter(r health.Result, failed time.Time) bool {
	for _, f := range r.Fields {
		if verified, ok := f.Value.(bool); ok && f.Name == "verified" {
			return verified && r.Subject.After(failed)
		}
	}
	return false
}
