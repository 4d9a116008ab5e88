package backups

import (
	"context"
	"errors"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/drill"
	"opsdeck/ops/site"
	"opsdeck/ops/watch"
)

// JobNames are a service's scheduled jobs, in the order of a night.
var JobNames = []string{"daily", "verify", "drill"}

// Jobs are the service's scheduled jobs.
func (sh Nights) Jobs(report func(ops.Progress)) ([]watch.Job, error) {
	b := sh.Service.Backup
	sh, heard := sh.withRecordedOutput()
	run := map[string]func(context.Context) error{
		"daily":  func(ctx context.Context) error { return sh.night(ctx, report) },
		"verify": func(ctx context.Context) error { return sh.verifyAll(ctx, true, report) }, // bad stays bad: final
		"drill": func(ctx context.Context) error {
			inv, err := sh.Read(ctx)
			if err != nil {
				return err
			}
			s, err := sh.Driller().Drillable(inv, "")
			if err != nil {
				return err
			}
			d, err := sh.Driller().Drill(ctx, s, drill.Job{}, "", report)
			if err == nil && d.Result != backup.Passed {
				err = watch.Final(ops.E(ops.Failed, lang.M("the drill failed: %s", d.Said())))
			}
			return err
		},
	}
	var jobs []watch.Job
	for _, name := range JobNames {
		c, err := backup.ParseCron(map[string]string{"daily": b.Daily, "verify": b.Verify, "drill": b.Drill}[name])
		if err != nil {
			return nil, ops.Wrap(err, ops.Config, lang.M("backup.%s is not a schedule", name))
		}
		jobs = append(
			jobs,
			watch.Job{
				Name:     sh.Service.Name + "/" + name,
				Schedule: c,
				Run:      sh.telling(name, c, sh.pinging(name, heard, run[name])),
			},
		)
	}
	return jobs, nil
}

// night is the nightly run: a backup, its verification, retention, the copies. A failed
// step does not prevent the later ones, but the night has failed.
func (sh Nights) night(ctx context.Context, report func(ops.Progress)) error {
	o, err := sh.Maker().OrderOf(Order{Kind: backup.KindScheduled, Copy: sh.Service.Backup.StreamTo})
	if err != nil {
		return err
	}
	if made := sh.madeBefore(ctx, watch.TryOf(ctx)); made != "" {
		sh.Say(lang.M("an earlier attempt made %s; only the steps after it are repeated", made))
	} else {
		m, err := sh.Maker().Make(ctx, o, report)
		if err != nil {
			return err // without a new backup nothing is pruned or copied
		}
		sh.Say(lang.M("made %s", m.Path))
		if m.Shrink != nil {
			sh.Say(lang.M("  ! %s", m.Shrink.Text()))
		}
	}
	steps := []func() error{
		func() error { return sh.verifyAll(ctx, false, report) },
		func() error { return sh.pruneTonight(ctx) },
		func() error { return sh.copyTonight(ctx, report) },
	}
	if o.Copy != "" {
		steps = nil // no part of it is stored here
	}
	steps = append(steps, func() error { return sh.Offsite().proveCopies(ctx) })
	var failed []error
	for _, step := range append(steps, func() error { return sh.pruneCopies(ctx) }) {
		if err := step(); err != nil {
			failed = append(failed, err)
			sh.Say(lang.Raw(site.Sentence(sh.Lang, sh.Explain(err))))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

// madeBefore is the good backup of an earlier attempt at the same run; "" if there is
// none, and a retry makes one.
func (sh Nights) madeBefore(ctx context.Context, t watch.Try) string {
	if t.Attempt < 2 {
		return ""
	}
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return ""
	}
	sets := inv.Sets
	if away, err := sh.Elsewhere(inv); err == nil && sh.Service.Backup.StreamTo != "" {
		for _, e := range away {
			sets = append(sets, e.Sets...)
		}
	}
	for _, s := range sets {
		if s.State == backup.Good && s.Kind == backup.KindScheduled && s.ProvenOf(inv.Database) && !s.At.Before(t.Due) {
			return s.Name
		}
	}
	return ""
}

// verifyAll verifies all backups, or those that are due.
func (sh Nights) verifyAll(ctx context.Context, all bool, report func(ops.Progress)) error {
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	bad := 0
	sets := inv.ToVerify(all)
	for _, s := range sets {
		check, err := sh.Prover().prove(ctx, s, report)
		if err == nil {
			err = sh.Prover().remember(s, check)
		}
		if err != nil {
			return err
		}
		if !check.OK() || check.NotOpened() {
			bad++
			sh.Say(lang.M("%s is bad: %s", s.Name, check.Problems[0].Text()))
		}
	}
	if bad > 0 {
		return watch.Final(ops.E(ops.Failed, lang.M("%d of %d backups are bad", bad, len(sets))))
	}
	return nil
}

func (sh Nights) pruneTonight(ctx context.Context) error {
	held, err := sh.Lock("backup prune")
	if err != nil {
		return err
	}
	defer held.Release()
	plan, err := sh.Pruner().Plan(ctx, false)
	if err != nil {
		return err
	}
	switch {
	case len(plan.Blocked) > 0:
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0]))
	case plan.Empty():
		return sh.Pruner().PruneLog(ctx, plan)
	}
	out, err := sh.Pruner().Prune(ctx, plan, nil)
	if err == nil {
		sh.Say(lang.M("%d removed, %d renamed, %s freed", len(out.Removed), len(out.Renamed), human.Bytes(out.Freed)))
	}
	return err
}

func (sh Nights) copyTonight(ctx context.Context, report func(ops.Progress)) error {
	if len(sh.Service.Backup.Copies) == 0 {
		return nil
	}
	return sh.Pinged(ctx, PingSync, nil, func(ctx context.Context) error { return sh.sendAll(ctx, report) })
}

func (sh Nights) sendAll(ctx context.Context, report func(ops.Progress)) error {
	var failed []error
	for _, c := range sh.Service.Backup.Copies {
		r, err := sh.Offsite().Send(ctx, c, Syncing{Report: report, Warn: sh.Say})
		if err == nil && len(r.Failed) > 0 {
			err = ops.E(ops.Failed, lang.M("%d backups could not be sent to the copy %s", len(r.Failed), c.Name))
		}
		if err == nil && r.Emptied != nil {
			err = watch.Final(EmptiedError(c, *r.Emptied))
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// pruneCopies prunes each copy that has its own retention rule. Pruning a copy by the
// local rule is left to a person.
func (sh Nights) pruneCopies(ctx context.Context) error {
	var failed []error
	for _, c := range sh.Service.Backup.Copies {
		if ownKeep(c) {
			failed = append(failed, sh.pruneOneCopy(ctx, c))
		}
	}
	return errors.Join(failed...)
}

func (sh Nights) pruneOneCopy(ctx context.Context, c config.Copy) error {
	held, err := sh.Lock("backup prune")
	if err != nil {
		return err
	}
	defer held.Release()
	cp, err := sh.Offsite().Copier(c, false, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	plan, err := sh.Offsite().PlanThere(ctx, cp, c, false)
	if err != nil {
		return err
	}
	if len(plan.Blocked) > 0 {
		return ops.E(ops.Failed, lang.M("nothing was removed at the copy %s: %s", c.Name, plan.Blocked[0]))
	}
	out, err := sh.Offsite().PruneThere(ctx, cp, plan)
	if err == nil && len(out.Removed)+len(out.Locked) > 0 {
		sh.Say(lang.M("%d removed at %s, %d are locked there, %s freed", len(out.Removed), c.Name, len(out.Locked),
			human.Bytes(out.Freed)))
	}
	if err != nil {
		return err
	}
	return sh.Offsite().PruneLogsThere(ctx, cp, c)
}
