package main

import (
	"context"
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
)

// restoreAsideCmd is `opsdeck restore set-aside ID`: the way out for a run that
// cannot be read, which keeps every other restore and every prune from going on, and for
// one that never began.
type restoreAsideCmd struct {
	ID      string `arg:"" help:"The restore's id."`
	Confirm string `placeholder:"ID" help:"The restore's id again, to confirm without a terminal."`
	DryRun  bool   `help:"Show what would be done."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// asideJSON is a run that cannot be read.
type asideJSON struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty"`
	Path  string `json:"path,omitempty"`
}

// Run sets the run aside; nothing of it is removed.
func (c *restoreAsideCmd) Run(ctx context.Context, a *app) error {
	if err := a.writable(); err != nil && !c.DryRun {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, unread := d.Store.Load(c.ID)
	switch {
	case errors.Is(unread, restorerun.ErrNoRun):
		return ops.E(ops.Usage, lang.M("there is no such restore")).
			WithHint(lang.M("list them: opsdeck restore status"))
	case unread == nil && r.Open():
		return ops.E(ops.Failed, lang.M("the restore %s is readable: no need to set it aside", c.ID)).
			WithHint(lang.M("resume it: opsdeck restore resume %s; or see what is possible: opsdeck restore status "+
				"%[1]s", c.ID))
	case unread == nil && r.State.Stage != restore.Planned:
		return ops.E(ops.Failed, lang.M("the restore %s is readable: no need to set it aside", c.ID))
	}
	ask := lang.M("The restore %s will be set aside. It did not start, and nothing was changed.", c.ID)
	if unread != nil {
		for _, m := range d.Store.Folder(c.ID).Unread(c.ID, unread) {
			a.note(m)
		}
		ask = lang.M(
			"The restore %s will be set aside. If it is unfinished, the database may be half restored and the "+
				"service stopped.",
			c.ID,
		)
	}
	if c.DryRun {
		return nil
	}
	err = a.confirm(ctx, c.ID, c.Confirm, ask)
	if err != nil {
		return err
	}
	path, err := d.SetAside(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(asideJSON{ID: c.ID, Path: path})
	}
	a.say(lang.M("set aside: %s", path))
	return nil
}
