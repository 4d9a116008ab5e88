package main

import (
	"context"
	"errors"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/restore"
)

// holdDatabase takes the one lock of a service's database, which its restores
// hold, and refuses while a restore of it is unfinished. The lock's name is made
// of the server's identity: services that share a database share it.
func (a *app) holdDatabase(s *config.Service, what string) (*holding, error) {
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	return d.hold(a.ctx, what)
}

// holding is a database held against others with this state folder, by a file, and
// against those elsewhere, on the server.
type holding struct {
	file  *lock.Lock
	claim *mysql.Claim
}

// Release gives the database back.
func (h *holding) Release() error { return errors.Join(h.claim.Release(), h.file.Release()) }

// hold takes the locks of the desk's live database.
func (d *desk) hold(ctx context.Context, what string) (*holding, error) {
	t, err := d.rescueTarget(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.vacant(ctx, t); err != nil {
		return nil, err
	}
	who := lock.Holder{User: oplog.UserName(), What: what}
	held, err := lock.Take(d.store.TargetLock(t), who)
	if err != nil {
		return nil, err
	}
	if err := d.unfinished(t); err != nil { // one may have been begun in between
		return nil, errors.Join(err, held.Release())
	}
	claim, err := mysql.TakeClaim(ctx, d.target, t.Database, who, nil)
	if err != nil {
		return nil, errors.Join(err, held.Release())
	}
	return &holding{held, claim}, nil
}

// unfinished is vacant for the holder of the lock.
func (d *desk) unfinished(t restore.Target) error {
	open, err := d.store.Unfinished(t)
	if err != nil || open == nil {
		return err
	}
	return ops.E(ops.Busy, lang.M("the restore %s of %s is unfinished: %s", open.Plan.ID, t.Database, open.State.Stage.Label())).
		WithHint(lang.M("opsdeck restore resume, undo or abort %s", open.Plan.ID))
}
