package main

import (
	"context"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/drill"
	"opsdeck/ops/restore"
	"opsdeck/tui/backupview"
	"opsdeck/tui/page"
)

// backupsPage is the Backups tab of a service.
func (a *app) backupsPage(env *page.Env, s *config.Service) (*backupview.Page, error) {
	sh, err := a.shelfOf(s)
	if err != nil {
		return nil, err
	}
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	svc := backupview.Service{
		Database: s.Database.Name,
		Late:     s.Backup.Late,
		Read:     sh.shown,
		Manifest: func(_ context.Context, s *backup.Set) (*backup.Manifest, error) { return backup.ReadManifest(s.Path) },
		Create:   sh.createInPlace,
		Verify:   sh.verifyInPlace,
		Drill:    sh.drillInPlace,
		Prune:    sh.pruneInPlace,
		Compare:  d.compare,
	}
	if len(s.Backup.Copies) > 0 {
		svc.Sync = sh.syncInPlace
	}
	return backupview.New(env, svc), nil
}

// compare is the target as it is now, from a backup's point of view.
func (d *desk) compare(ctx context.Context, name string) (*restore.Assessment, error) {
	p, err := d.Draft(ctx, restore.Choice{Source: name})
	if err != nil {
		return nil, err
	}
	return p.Assessment, nil
}

// syncInPlace brings all copies up to date.
func (sh *shelf) syncInPlace(ctx context.Context, report backupview.Report) (lang.Msg, error) {
	sent, bytes := 0, int64(0)
	for _, c := range sh.service.Backup.Copies {
		r, err := sh.send(ctx, c, syncing{byHand: true, report: report})
		if err != nil {
			return lang.Msg{}, err
		}
		if len(r.Failed) > 0 {
			return lang.Msg{}, ops.E(
				ops.Failed,
				lang.M("%d backups could not be brought to the copy %s", len(r.Failed), c.Name),
			)
		}
		if r.Emptied != nil {
			return lang.Msg{}, emptiedError(c, *r.Emptied)
		}
		sent, bytes = sent+len(r.Sent), bytes+r.Bytes
	}
	return lang.M("copies are up to date: %d sent, %s", sent, human.Bytes(bytes)), nil
}

// shown is the shelf as the tab draws it.
func (sh *shelf) shown(ctx context.Context) (*backupview.Shelf, error) {
	inv, err := sh.readOrNone(ctx)
	if err != nil {
		return nil, err
	}
	away, err := sh.elsewhere(inv)
	if err != nil {
		return nil, err
	}
	policy := sh.policy()
	policy.LastRun = sh.index.LastPlan()
	drills, err := backup.Drills(sh.state, sh.service.Database.Name)
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of drills cannot be read"))
	}
	return &backupview.Shelf{
		Inventory: inv,
		Tiers:     inv.Tiers(sh.keep(), sh.daily, grace),
		Plan:      backup.PlanRetention(inv, policy),
		Drills:    drills,
		Away:      away,
	}, nil
}

// createInPlace makes a manual backup.
func (sh *shelf) createInPlace(ctx context.Context, report backupview.Report) (lang.Msg, error) {
	o, err := sh.orderOf(order{kind: backup.KindManual})
	if err != nil {
		return lang.Msg{}, err
	}
	m, err := sh.make(ctx, o, report)
	if err != nil {
		return lang.Msg{}, err
	}
	if m.Shrink != nil {
		return lang.M("made %s, but look whether rows were lost: %s", m.File, m.Shrink.Text()), nil
	}
	return lang.M(
		"made %s, %s in %s, read back and proved",
		m.File,
		human.Bytes(m.SizeBytes),
		human.Duration(m.Took),
	), nil
}

// verifyInPlace proves one backup, or with nil what is due.
func (sh *shelf) verifyInPlace(ctx context.Context, s *backup.Set, report backupview.Report) (lang.Msg, error) {
	sets := []*backup.Set{s}
	if s == nil {
		inv, err := sh.readIn(ctx)
		if err != nil {
			return lang.Msg{}, err
		}
		sets = inv.ToVerify(false)
	}
	bad, bytes, start := 0, int64(0), time.Now()
	for _, s := range sets {
		check, err := sh.prove(ctx, s, func(p ops.Progress) {
			p.Object = s.Name
			report(p)
		})
		if err != nil {
			return lang.Msg{}, err
		}
		if err := sh.remember(s, check); err != nil {
			return lang.Msg{}, err
		}
		bytes += s.Size
		if !check.OK() {
			bad++
		}
	}
	if bad > 0 {
		return lang.Msg{}, ops.E(ops.Failed, lang.M("%d of %d backups are bad", bad, len(sets)))
	}
	return lang.M(
		"%d verified, %s at %s",
		len(sets),
		human.Bytes(bytes),
		human.Rate(float64(bytes)/time.Since(start).Seconds()),
	), nil
}

// drillInPlace rehearses with one backup.
func (sh *shelf) drillInPlace(ctx context.Context, s *backup.Set, report backupview.Report) (lang.Msg, error) {
	d, err := sh.drill(ctx, s, drill.Job{}, "", report)
	if err != nil {
		return lang.Msg{}, err
	}
	if d.Result != backup.Passed {
		return lang.Msg{}, ops.E(ops.Failed, lang.M("the drill failed: %s", d.Remark))
	}
	return lang.M(
		"drill passed: %s restored in %s, %s rows checked",
		human.Bytes(d.SizeBytes),
		ms(d.RestoreMS),
		human.Count(d.Rows),
	), nil
}

// pruneInPlace carries out the plan that was on screen.
func (sh *shelf) pruneInPlace(ctx context.Context, plan *backup.Plan, report backupview.Report) (lang.Msg, error) {
	held, err := sh.lock("backup prune")
	if err != nil {
		return lang.Msg{}, err
	}
	defer held.Release()
	done, total := int64(0), int64(len(plan.Removes())+len(plan.Renames()))
	out, err := sh.prune(ctx, plan, func(s backup.Step) {
		done++
		report(ops.Progress{Phase: "prune", Object: s.Set.Name, Done: done, Total: total, Unit: "backups"})
	})
	if err != nil {
		return lang.Msg{}, err
	}
	return lang.M(
		"%d removed, %d renamed, %s free now",
		len(out.Removed),
		len(out.Renamed),
		human.Bytes(out.Freed),
	), nil
}
