package checks

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// withRuns adds to the backup check what the scheduled runs did last: a night that made
// no backup is critical, a later step of it, a verification or a drill that failed is a
// warning.
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
			if run.Result != watch.Failed || job == "daily" && madeAfter(r, run.Ended) {
				continue
			}
			state := ops.StateWarning
			next := lang.M("Repair what it names, then run: %s.", "opsdeck backup schedule run "+job)
			if job == "daily" && !madeAfter(r, run.Started) {
				state = ops.StateCritical
				next = lang.M("Repair what it names, then run: %s.", "opsdeck backup create")
			}
			r.FindNext(state, lang.M("the scheduled run %q of %s failed", job, at), run.Why(),
				next)
		}
		return r
	}
}

// madeAfter tells whether the newest good backup that the check found is younger than a
// moment: a run that failed and began then made it, or what the run that ended then did
// not do was done since.
func madeAfter(r health.Result, at time.Time) bool {
	verified, _ := r.Field("verified").(bool)
	return verified && r.Subject.After(at)
}
