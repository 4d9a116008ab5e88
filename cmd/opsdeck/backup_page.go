package main

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
	"opsdeck/tui/backupview"
	"opsdeck/tui/page"
)

// backupsPage is the Backups tab of a service.
func backupsPage(a *app, env *page.Env, s *config.Service) (*backupview.Page, error) {
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
		Manifest: func(_ context.Context, s *backup.Set) (*backup.Manifest,
			error) {
			return backup.ReadManifest(s.Path)
		},
		Create:  sh.InPlace().CreateInPlace,
		Verify:  sh.InPlace().VerifyInPlace,
		Drill:   sh.InPlace().DrillInPlace,
		Prune:   sh.InPlace().PruneInPlace,
		Compare: d.Compare,
	}
	if len(s.Backup.Copies) > 0 {
		svc.Sync = sh.InPlace().SyncInPlace
	}
	return backupview.New(env, svc), nil
}

// shown is the shelf as the tab draws it.
func (sh *shelf) shown(ctx context.Context) (*backupview.Shelf, error) {
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return nil, err
	}
	away, err := sh.Elsewhere(inv)
	if err != nil {
		return nil, err
	}
	policy := sh.Policy()
	policy.LastRun = sh.Index.LastPlan()
	drills, err := backup.Drills(sh.StateDir, sh.Service.Database.Name)
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of drills cannot be read"))
	}
	return &backupview.Shelf{
		Inventory: inv,
		Tiers:     inv.Tiers(sh.Keep(), sh.Daily, backups.Grace),
		Plan:      backup.PlanRetention(inv, policy),
		Drills:    drills,
		Away:      away,
	}, nil
}
