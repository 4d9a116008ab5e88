package main

import (
	"context"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
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
		if err := sh.Nights().Idle(ctx); err != nil {
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
	surplus, err := sh.surplus(ctx, plan, !c.JSON)
	if err != nil {
		return err
	}
	if !c.JSON {
		sh.sayPlan(plan)
		sh.saySurplus(surplus)
	}
	if !c.DryRun {
		err = c.execute(ctx, sh, plan, surplus)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		doc := planJSON(plan, !c.DryRun && err == nil)
		for _, s := range surplus {
			doc.Binlog = append(doc.Binlog, surplusJSON{Name: s.Name, Server: s.Server, SizeBytes: s.SizeBytes})
		}
		if err := a.json(doc); err != nil {
			return err
		}
	}
	return err
}

// surplus is the archived binlog that no backup needs after a plan; a plan that may not be
// executed removes none.
func (sh *shelf) surplus(ctx context.Context, plan *backup.Plan, tell bool) ([]*binlog.Segment, error) {
	if len(plan.Blocked) > 0 {
		return nil, nil
	}
	all, why, err := sh.Binlog().Surplus(ctx, plan)
	if tell && !why.Empty() {
		sh.note(why)
	}
	return all, err
}

func (c *backupPruneCmd) execute(ctx context.Context, sh *shelf, plan *backup.Plan, surplus []*binlog.Segment) error {
	if _, unreadable := sh.InUse(); len(plan.Blocked) > 0 && !unreadable.Empty() {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("check that restore: opsdeck restore status"))
	}
	if len(plan.Blocked) > 0 {
		return ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0])).
			WithHint(lang.M("make or verify a backup first: opsdeck backup create, opsdeck backup verify"))
	}
	what := lang.M("%d backups will be removed permanently, freeing %s.", len(plan.Removes()), human.Bytes(plan.Frees))
	if plan.Empty() {
		if len(surplus) == 0 {
			return sh.Index.Planned(plan.At)
		}
		what = lang.M("%d binlog files will be removed permanently, freeing %s.", len(surplus),
			human.Bytes(sizeOf(surplus)))
	}
	if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	if plan.Empty() {
		return sh.Pruner().PruneLog(ctx, plan)
	}
	out, err := sh.Pruner().Prune(ctx, plan, func(s backup.Step) {
		if !c.JSON && s.Verb == backup.Remove {
			sh.note(lang.M("removed %s", s.Set.Name))
		}
	})
	if err == nil && !c.JSON {
		sh.say(lang.M("%d removed, %d renamed, %s freed", len(out.Removed), len(out.Renamed), human.Bytes(out.Freed)))
	}
	return err
}

// saySurplus lists the archived binlog that is removed along with a plan, and why.
func (sh *shelf) saySurplus(surplus []*binlog.Segment) {
	if len(surplus) == 0 {
		return
	}
	first := surplus[0]
	last := surplus[len(surplus)-1]
	sh.say(lang.M("%d binlog files (%s … %s, %s) end before the oldest backup that is kept: they are removed too",
		len(surplus), termsafe.Line(first.File), termsafe.Line(last.File), human.Bytes(sizeOf(surplus))))
}

func sizeOf(segments []*binlog.Segment) (n int64) {
	for _, s := range segments {
		n += s.SizeBytes
	}
	return n
}
