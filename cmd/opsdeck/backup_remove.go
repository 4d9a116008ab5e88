package main

import (
	"context"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
)

type backupRemoveCmd struct {
	Name     string `arg:"" help:"The backup's name."`
	AllNames bool   `help:"Also its weekly and monthly names: all names with the same contents."`
	GiveUp   string `name:"without-undo" placeholder:"ID" help:"Remove it although the undo of this restore needs it."`
	Copy     string `placeholder:"COPY" help:"At this copy instead of locally."`
	DryRun   bool   `help:"Show what would be removed, remove nothing."`
	Confirm  string `placeholder:"NAME" help:"The database's name, to confirm without a terminal."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Run removes one backup by name. What a restore needs and the last good backup
// stay, as with prune.
func (c *backupRemoveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if !c.DryRun {
		held, err := sh.Lock("backup remove")
		if err != nil {
			return err
		}
		defer held.Release()
		if err := sh.Nights().Idle(ctx); err != nil {
			return err
		}
	}
	if c.Copy != "" {
		return c.atCopy(ctx, sh)
	}
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	plan, err := c.plan(sh, inv)
	if err != nil {
		return err
	}
	return c.run(ctx, sh, plan, func() (removed []string, freed int64, err error) {
		out, err := sh.Pruner().Prune(ctx, plan, nil)
		return out.Removed, out.Freed, err
	})
}

// plan is the plan to remove the named backup of an inventory.
func (c *backupRemoveCmd) plan(sh *shelf, inv *backup.Inventory) (*backup.Plan, error) {
	s, err := sh.Find(inv, c.Name)
	if err != nil {
		return nil, err
	}
	policy := sh.Policy()
	policy.GiveUp = c.GiveUp
	return backup.PlanRemoval(inv, policy, s, c.AllNames), nil
}

func (c *backupRemoveCmd) atCopy(ctx context.Context, sh *shelf) error {
	found, cp, err := sh.Offsite().Open(c.Copy, c.DryRun)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(ctx, sh.Scan(found.Target))
	if err != nil {
		return err
	}
	plan, err := c.plan(sh, inv)
	if err != nil {
		return err
	}
	return c.run(ctx, sh, plan, func() (removed []string, freed int64, err error) {
		var out remote.Pruned
		out, err = sh.Offsite().PruneThere(ctx, cp, plan)
		if err == nil && len(out.Locked) > 0 {
			err = ops.E(ops.Failed, lang.M("%s is locked at the copy %s and stays", out.Locked[0], c.Copy))
		}
		return out.Removed, out.Freed, err
	})
}

// run shows the plan, asks, and carries it out.
func (c *backupRemoveCmd) run(ctx context.Context, sh *shelf, plan *backup.Plan, remove func() ([]string, int64,
	error)) error {
	if !c.JSON {
		c.say(sh, plan)
	}
	var err error
	if len(plan.Blocked) > 0 {
		refused := ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0]))
		if id := plan.Undo; id != "" && len(plan.Blocked) == 1 {
			refused = refused.WithHint(lang.M("to remove it without that undo: %s",
				"opsdeck backup remove "+c.Name+" --without-undo "+id))
		}
		err = refused
	}
	done := err == nil && !c.DryRun
	if done {
		err = c.execute(ctx, sh, plan, remove)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		if err := sh.json(planJSON(plan, done && err == nil)); err != nil {
			return err
		}
	}
	if c.DryRun {
		return nil // as prune: the plan says what blocks it
	}
	return err
}

func (c *backupRemoveCmd) execute(ctx context.Context, sh *shelf, plan *backup.Plan, remove func() ([]string, int64,
	error)) error {
	names := stepNames(plan.Removes())
	what := lang.M("%s will be removed permanently, freeing %s.", lang.List(names), human.Bytes(plan.Frees))
	if plan.Undo != "" {
		what = lang.M("%s Restore %s can then not be undone.", what, plan.Undo)
	}
	if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	removed, freed, err := remove()
	if err == nil && !c.JSON {
		sh.say(lang.M("removed %s, %s freed", lang.List(removed), human.Bytes(freed)))
	}
	return err
}

func stepNames(steps []backup.Step) (names []string) {
	for _, s := range steps {
		names = append(names, s.Set.Name)
	}
	return names
}

// say tells what would go, and which names of the same contents stay.
func (c *backupRemoveCmd) say(sh *shelf, plan *backup.Plan) {
	for _, s := range plan.Steps {
		switch {
		case s.Verb == backup.Remove:
			sh.say(lang.M("%s: %s", termsafe.Line(s.Set.Name), lang.M("selected for removal")))
		case s.Reasons[0].Code == "other-name":
			sh.note(lang.M("%s: %s", termsafe.Line(s.Set.Name), s.Reasons[0].Text))
		}
	}
	if plan.Guard != nil && len(plan.Blocked) == 0 {
		sh.note(lang.M("the newest good backup is then %s", plan.Guard.Name))
	}
}
