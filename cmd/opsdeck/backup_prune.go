package main

import (
	"context"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

type backupPruneCmd struct {
	DryRun  bool   `help:"Show the plan and do nothing."`
	Confirm string `placeholder:"NAME" help:"The database's name, to confirm without a terminal."`
	Plan    string `placeholder:"HASH" help:"Execute only the plan with this hash, from --dry-run."`
	Foreign bool   `help:"Also prune files made by other tools."`
	Copy    string `placeholder:"NAME" help:"At this copy, by the copy's own retention."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Run shows the retention plan and carries it out.
func (c *backupPruneCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := a.writable(); err != nil {
			return err
		}
		held, err := sh.Lock("backup prune")
		if err != nil {
			return err
		}
		defer held.Release()
		if err := sh.Nights().Idle(); err != nil {
			return err
		}
		if err := backup.Recover(sh.Dir); err != nil {
			return err
		}
	}
	if c.Copy != "" {
		return c.pruneCopy(ctx, sh)
	}
	plan, err := sh.Pruner().Plan(ctx, c.Foreign)
	if err != nil {
		return err
	}
	if c.Plan != "" && c.Plan != plan.Hash() {
		return ops.E(ops.Busy, lang.M("the plan has changed; nothing was done")).
			WithHint(lang.M("check it again with --dry-run"))
	}
	if !c.JSON {
		sh.sayPlan(plan)
	}
	if !c.DryRun {
		err = c.execute(ctx, sh, plan)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		if err := a.json(planJSON(plan, !c.DryRun && err == nil)); err != nil {
			return err
		}
	}
	return err
}

func (c *backupPruneCmd) execute(ctx context.Context, sh *shelf, plan *backup.Plan) error {
	if _, unreadable := sh.InUse(); len(plan.Blocked) > 0 && !unreadable.Empty() {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("check that restore: opsdeck restore status"))
	}
	if len(plan.Blocked) > 0 {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("make or verify a backup first: opsdeck backup create, opsdeck backup verify"))
	}
	if plan.Empty() {
		return sh.Index.Planned(plan.At)
	}
	what := lang.M(
		"%d backups will be removed permanently, freeing %s.",
		len(plan.Removes()),
		human.Bytes(plan.Frees),
	)
	if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	out, err := sh.Pruner().Prune(ctx, plan, func(s backup.Step) {
		if !c.JSON && s.Verb == backup.Remove {
			sh.note(lang.M("removed %s", s.Set.Name))
		}
	})
	if err == nil && !c.JSON {
		sh.say(
			lang.M("%d removed, %d renamed, %s freed", len(out.Removed), len(out.Renamed), human.Bytes(out.Freed)),
		)
	}
	return err
}
