package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
	"opsdeck/tui/backupview"
)

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
	plan := backup.PlanRetention(inv, policy)
	log := backupview.Surplus{}
	if surplus, err := sh.surplus(ctx, plan, false); err == nil && len(surplus) > 0 {
		log = backupview.Surplus{
			Files: len(surplus),
			Bytes: sizeOf(surplus),
			First: surplus[0].File,
			Last:  surplus[len(surplus)-1].File,
		}
	}
	return &backupview.Shelf{
		Inventory: inv,
		Tiers:     inv.Tiers(sh.Keep(), sh.Daily, backups.Grace),
		Plan:      plan,
		Log:       log,
		Drills:    drills,
		Away:      away,
	}, nil
}
