package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
)

type backupVerifyCmd struct {
	Name   string `arg:"" optional:"" help:"The backup's name (default: all unverified backups and the newest)."`
	Deep   bool   `help:"Also load each into a scratch database and check it there."`
	All    bool   `help:"Verify all, including those already verified."`
	Copy   string `placeholder:"COPY" help:"Verify the backups at this copy, in place."`
	DryRun bool   `help:"Show what would be verified, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run verifies backups. It ends with 1 when one is bad. All of them are a run of the
// job, whose check is told.
func (c *backupVerifyCmd) Run(ctx context.Context, a *app) error {
	if !c.All || c.Name != "" || c.Copy != "" || c.DryRun || c.Deep && a.flags.ReadOnly {
		return c.run(ctx, a)
	}
	return asJob(ctx, a, backups.PingVerify, c.run)
}

func (c *backupVerifyCmd) run(ctx context.Context, a *app) error {
	if c.Name != "" && c.All {
		return ops.E(ops.Usage, lang.M("a name or --all, not both"))
	}
	if err := a.mayChange(c.DryRun || !c.Deep); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if c.Copy != "" {
		return c.verifyCopy(ctx, sh)
	}
	inv, err := sh.Look(ctx) // it reads them itself
	if err != nil {
		return err
	}
	sets, err := c.choose(sh, inv)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.say(ctx, sh, sets)
	}
	took := map[string]time.Duration{}
	for i, s := range sets {
		if took[s.Name], err = sh.Prover().VerifyOne(ctx, s, c.Deep, i+1, len(sets)); err != nil {
			return err
		}
	}
	doc, err := sh.verdicts(ctx, sets, took)
	if err != nil {
		return err
	}
	if !c.JSON {
		for _, v := range doc.Verified {
			sayVerified(sh, v)
		}
	}
	if c.JSON {
		err = a.json(doc)
	} else if len(sets) == 0 {
		a.note(lang.M("there is nothing to verify"))
	}
	if err == nil && doc.Bad == 0 && doc.notOpened > 0 {
		return ops.E(ops.Failed, lang.M("backup.identity cannot decrypt %d of %d backups: they could not be "+
			"restored", doc.notOpened, len(sets))).
			WithHint(lang.M("set backup.identity to a key file that they were encrypted to"))
	}
	if err == nil && doc.Bad > 0 {
		err = ops.E(ops.Failed, lang.M("%d of %d backups are bad", doc.Bad, len(sets))).
			WithHint(backups.NewBackup(ctx, sh.Service.Database))
	}
	return err
}

// say says which backups would be read, and how much that is.
func (c *backupVerifyCmd) say(ctx context.Context, sh *shelf, sets []*backup.Set) error {
	if c.JSON {
		doc, err := sh.verdicts(ctx, sets, nil)
		if err != nil {
			return err
		}
		return sh.json(doc)
	}
	var size int64
	for _, s := range sets {
		sh.say(lang.M("%s would be verified: %s", s.Name, human.Bytes(s.Size)))
		size += s.Size
	}
	sh.note(lang.M("%d backups, %s to read", len(sets), human.Bytes(size)))
	return nil
}

// choose picks what to verify; names of one content are read once.
func (c *backupVerifyCmd) choose(sh *shelf, inv *backup.Inventory) ([]*backup.Set, error) {
	if c.Name != "" {
		s, err := sh.Find(inv, c.Name)
		if err != nil {
			return nil, err
		}
		if s.Parsed.Physical {
			return nil, ops.E(ops.Usage, lang.M("%s is a physical backup folder: opsdeck cannot verify it", s.Name)).
				WithHint(lang.M("use the tool that made it"))
		}
		return []*backup.Set{s}, nil
	}
	return inv.ToVerify(c.All), nil
}
