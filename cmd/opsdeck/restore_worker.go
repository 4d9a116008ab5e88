package main

import (
	"context"

	"opsdeck/ops/restore"
)

// restoreWorkerCmd is the process that carries a restore out. It is started by
// the others in a session of its own, so that a closed terminal or a dropped
// line does not end it.
type restoreWorkerCmd struct {
	ID    string `arg:"" help:"The restore's id."`
	First string `required:"" enum:"begin,resume,abort,undo,drop-old" help:"The reason for this run."`
	By    string `help:"Who asked for it."`
}

// Run is the worker's life.
func (c *restoreWorkerCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	return d.Carry(ctx, c.ID, restore.Kind(c.First), c.By)
}
