package backups

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/drill"
)

// SyncInPlace updates all copies.
func (sh InPlace) SyncInPlace(ctx context.Context, report func(ops.Progress)) (lang.Msg, error) {
	sent := 0
	bytes := int64(0)
	for _, c := range sh.Service.Backup.Copies {
		r, err := sh.Offsite().Send(ctx, c, Syncing{ByHand: true, Report: report})
		if err != nil {
			return lang.Msg{}, err
		}
		if len(r.Failed) > 0 {
			return lang.Msg{}, ops.E(ops.Failed, lang.M("%d backups could not be sent to the copy %s", len(r.Failed),
				c.Name))
		}
		if r.Emptied != nil {
			return lang.Msg{}, EmptiedError(c, *r.Emptied)
		}
		sent = sent + len(r.Sent)
		bytes = bytes + r.Bytes
	}
	return lang.M("copies are up to date: %d sent, %s", sent, human.Bytes(bytes)), nil
}

// CreateInPlace makes a manual backup. If it lacks what earlier ones had, the result is an
// ops.Warning: it was made, and somebody must check it.
func (sh InPlace) CreateInPlace(ctx context.Context, report func(ops.Progress)) (lang.Msg, error) {
	o, err := sh.Maker().OrderOf(Order{Kind: backup.KindManual})
	if err != nil {
		return lang.Msg{}, err
	}
	m, err := sh.Maker().Make(ctx, o, report)
	if err != nil {
		return lang.Msg{}, err
	}
	if m.Shrink != nil {
		return lang.Msg{}, &ops.Warning{What: lang.M("Lost rows? %s", m.Shrink.Text())}
	}
	return lang.M("made %s, %s in %s, verified", m.File, human.Bytes(m.SizeBytes), human.Duration(m.Took)), nil
}

// VerifyInPlace verifies one backup, or with nil those that are due.
func (sh InPlace) VerifyInPlace(ctx context.Context, s *backup.Set, report func(ops.Progress)) (lang.Msg, error) {
	sets := []*backup.Set{s}
	if s == nil {
		inv, err := sh.Read(ctx)
		if err != nil {
			return lang.Msg{}, err
		}
		sets = inv.ToVerify(false)
	}
	bad := 0
	whole := 0
	bytes := int64(0)
	start := time.Now()
	for _, s := range sets {
		check, err := sh.Prover().prove(ctx, s, func(p ops.Progress) {
			p.Object = s.Name
			report(p)
		})
		if err != nil {
			return lang.Msg{}, err
		}
		if err := sh.Prover().remember(s, check); err != nil {
			return lang.Msg{}, err
		}
		bytes += s.Size
		switch {
		case !check.OK():
			bad++
		case s.Foreign && !check.Deep:
			whole++
		}
	}
	if bad > 0 {
		return lang.Msg{}, ops.E(ops.Failed, lang.M("%d of %d backups are bad", bad, len(sets)))
	}
	said := lang.M("%d verified, %s at %s", len(sets)-whole, human.Bytes(bytes),
		human.Rate(float64(bytes)/time.Since(start).Seconds()))
	if whole > 0 {
		said = lang.M("%s; %d made by other tools remain unverified: only a drill reads their rows", said, whole)
	}
	return said, nil
}

// DrillInPlace runs a drill with one backup.
func (sh InPlace) DrillInPlace(ctx context.Context, s *backup.Set, report func(ops.Progress)) (lang.Msg, error) {
	d, err := sh.Driller().Drill(ctx, s, drill.Job{}, "", report)
	if err != nil {
		return lang.Msg{}, err
	}
	if err := sh.loaded(ctx, s, d, report); err != nil {
		return lang.Msg{}, err
	}
	if d.Result != backup.Passed {
		return lang.Msg{}, ops.E(ops.Failed, lang.M("the drill failed: %s", d.Said()))
	}
	return lang.M("drill passed: %s restored in %s, %s rows checked", human.Bytes(d.SizeBytes),
		human.Milliseconds(d.RestoreMS), human.Count(d.Rows)), nil
}

// loaded records that a drill read the rows of a backup without a manifest: its check then
// equals that of `backup verify --deep`.
func (sh InPlace) loaded(ctx context.Context, s *backup.Set, d backup.Drill, report func(ops.Progress)) error {
	if !s.Foreign || d.Result != backup.Passed {
		return nil
	}
	check, err := sh.Prover().prove(ctx, s, report)
	if err != nil {
		return err
	}
	check.Deep = check.OK()
	return sh.Prover().remember(s, check)
}

// PruneInPlace executes the plan that was shown.
func (sh InPlace) PruneInPlace(ctx context.Context, plan *backup.Plan, report func(ops.Progress)) (lang.Msg, error) {
	held, err := sh.Lock("backup prune")
	if err != nil {
		return lang.Msg{}, err
	}
	defer held.Release()
	if plan.Empty() && len(plan.Blocked) == 0 { // only archived binlog is surplus
		files, freed, err := sh.Pruner().pruneLog(ctx, plan)
		return lang.M("%d binlog files removed, %s freed", files, human.Bytes(freed)), err
	}
	done := int64(0)
	total := int64(len(plan.Removes()) + len(plan.Renames()))
	out, err := sh.Pruner().Prune(ctx, plan, func(s backup.Step) {
		done++
		report(ops.Progress{Phase: "prune", Object: s.Set.Name, Done: done, Total: total, Unit: "backups"})
	})
	if err != nil {
		return lang.Msg{}, err
	}
	return lang.M("%d removed, %d renamed, %s freed", len(out.Removed), len(out.Renamed), human.Bytes(out.Freed)), nil
}
