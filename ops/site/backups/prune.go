package backups

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Lock takes the lock for changes to the backups; it refuses a folder that other users can
// write to. what describes the holder's work.
func (sh *Shelf) Lock(what string) (*lock.Lock, error) {
	if err := sh.Trusted(); err != nil {
		return nil, err
	}
	return lock.Take(backup.LockPath(sh.StateDir), lock.Holder{User: oplog.UserName(), What: what})
}

// Plan is the retention plan of the local folder; with foreign it includes files that
// other tools made.
func (sh Pruner) Plan(ctx context.Context, foreign bool) (*backup.Plan, error) {
	inv, err := sh.Read(ctx)
	if err != nil {
		return nil, err
	}
	policy := sh.Policy()
	policy.Foreign, policy.LastRun = foreign, sh.Index.LastPlan()
	return backup.PlanRetention(inv, policy), nil
}

// Prune executes a plan that was shown, and records it.
func (sh Pruner) Prune(ctx context.Context, plan *backup.Plan, tell func(backup.Step)) (backup.Outcome, error) {
	var names []string
	for _, s := range plan.Removes() {
		names = append(names, s.Set.Name)
	}
	var out backup.Outcome
	if err := sh.stillFree(ctx, plan); err != nil {
		return out, err
	}
	entry := oplog.Entry{Action: "backup.prune", Object: sh.Dir,
		Detail: map[string]string{"plan": plan.Hash(), "remove": strings.Join(names, " ")}}
	room := ""
	if plan.Frees > 0 {
		room = sh.Dir
	}
	err := sh.RecordFreeing(ctx, room, entry, func(ctx context.Context, detail map[string]string) (err error) {
		out, err = plan.Execute(ctx, backup.Execution{
			Index: sh.Index,
			Tell:  tell,
			Verify: func(ctx context.Context, s *backup.Set) (backup.Check, error) {
				return sh.Prover().proof(ctx, s.Path, nil)
			},
		})
		delete(detail, "remove")
		detail["removed"] = fmt.Sprint(len(out.Removed))
		detail["freed_bytes"] = fmt.Sprint(out.Freed)
		return err
	})
	if err != nil {
		return out, err
	}
	return out, sh.PruneLog(ctx, plan)
}

// PruneLog removes the archived binlog that no backup needs, after an executed plan or one
// that has nothing to do.
func (sh Pruner) PruneLog(ctx context.Context, plan *backup.Plan) error {
	_, _, err := sh.pruneLog(ctx, plan)
	return err
}

// pruneLog is PruneLog, and tells how many files it removed and their size in bytes.
func (sh Pruner) pruneLog(ctx context.Context, plan *backup.Plan) (files int, freed int64, err error) {
	files, freed, err = sh.Binlog().pruneBinlog(ctx)
	return files, freed, errors.Join(sh.Index.Planned(plan.At), err)
}

// stillFree verifies that no restore that needs what the plan removes has started since
// the plan was made.
func (sh Pruner) stillFree(ctx context.Context, plan *backup.Plan) error {
	if err := sh.Nights().Idle(ctx); err != nil {
		return err
	}
	names, unreadable := sh.InUse()
	if !unreadable.Empty() {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", unreadable))
	}
	undo, err := sh.UndoNeeds()
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the restores in %s cannot be read", sh.StateDir))
	}
	need, _ := sh.standbyNeeds() // one that cannot be read is built again from another backup
	for _, s := range plan.Removes() {
		if need.Loading[s.Set.Name] {
			return ops.E(ops.Busy,
				lang.M("nothing was removed: %s", lang.M("a standby is being built from %s", s.Set.Name))).
				WithHint(lang.M("make the plan again"))
		}
		if id := undo[s.Set.Name]; id != "" && id != plan.GiveUp {
			return ops.E(ops.Busy, lang.M("nothing was removed: %s", lang.M("%s is needed to undo restore %s",
				s.Set.Name, id))).WithHint(lang.M("make the plan again"))
		}
		if names[s.Set.Name] || len(names) > 0 && s.Set.Tier == backup.Emergency {
			return ops.E(ops.Busy,
				lang.M("nothing was removed: %s", lang.M("%s is needed by an unfinished restore", s.Set.Name))).
				WithHint(lang.M("make the plan again"))
		}
	}
	return nil
}
