package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

type backupAcceptCmd struct {
	Name    string `arg:"" help:"The backup's name."`
	Confirm string `placeholder:"NAME" help:"The database's name, to confirm without a terminal."`
	DryRun  bool   `help:"Say what would be accepted, and change nothing."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

type backupAcceptJSON struct {
	Name   string      `json:"name"`
	Shrink *shrinkJSON `json:"shrink"` // what it lacks, now accepted
	DryRun bool        `json:"dry_run"`
}

// Run accepts what a backup lacks: from it on its rows are the norm. Nothing is removed.
func (c *backupAcceptCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, inv, s, err := a.named(ctx, c.Name)
	if err != nil {
		return err
	}
	name := termsafe.Line(s.Name)
	if db := sh.Service.Database.Name; s.Database != "" && s.Database != db {
		return ops.E(ops.Usage,
			lang.M("%s is a backup of the database %s, not of %s", name, termsafe.Line(s.Database), db)).
			WithHint(lang.M("choose its service with --service"))
	}
	shrink, ok := inv.Shrunk(s)
	if !ok {
		return ops.E(ops.Usage, lang.M("%s has not lost rows: there is nothing to accept", name)).
			WithHint(lang.M("List the backups that lost rows: %s", "opsdeck backup list"))
	}
	what := lang.M("%s: %s. Once accepted, this backup and later ones no longer warn of it, and a restore proposes "+
		"them.",
		name, shrink.Text())
	if c.DryRun {
		if c.JSON {
			return sh.json(backupAcceptJSON{s.Name, shrinkDoc(shrink), true})
		}
		sh.say(what)
		return nil
	}
	if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	if err := sh.Index.Accept(s); err != nil {
		return err
	}
	if c.JSON {
		return sh.json(backupAcceptJSON{s.Name, shrinkDoc(shrink), false})
	}
	sh.say(lang.M("accepted %s; older backups stay as they are", name))
	return nil
}
