package main

import (
	"context"
	"errors"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rewind"

	"opsdeck/ops/site/restores"
)

// newestRewind is the id of the newest one that can be taken back, if it is newer than
// every restore.
func newestRewind(a *app) (string, error) {
	d, err := a.desk()
	if err != nil {
		return "", err
	}
	return d.NewestRewind(), nil
}

// errUsed refuses to delete rows that other rows refer to: no choice of --conflicts can.
func errUsed(p *rewind.Plan, used int) error {
	err := ops.E(ops.Failed, lang.M("other rows refer to %s of the rows that would be deleted; nothing was done",
		human.Count(int64(used))))
	if len(p.Users) == 0 {
		return err
	}
	return err.WithHint(lang.M("find these rows in: %s; delete or change them, then try again",
		strings.Join(p.Users, ", ")))
}

// undoRewind takes back that a transaction was taken back.
func (c *restoreUndoCmd) undoRewind(ctx context.Context, a *app, id string) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	r, err := sh.rewinder().Store().Load(id)
	if err != nil {
		return err
	}
	if r.State == restores.RewindUndone {
		return ops.E(ops.Usage, lang.M("%s is already undone", id))
	}
	if r.Database != sh.Service.Database.Name {
		return ops.E(ops.Usage, lang.M("%s belongs to the database %s", id, r.Database))
	}
	return sh.rewinder().OnConn(ctx, func(conn *mysql.Conn) error {
		at, err := sh.rewinder().Place()
		if err != nil {
			return err
		}
		defer at.End()
		p, err := rewind.Back(ctx, conn, r.Database, r.ID, sh.rewinder().Store().Inverse(r), r.Shape, at.Place)
		if errors.Is(err, rewind.ErrInverse) {
			return ops.Wrap(err, ops.Failed, lang.M("the data to undo %s cannot be read", id))
		}
		if err != nil {
			return sh.rewinder().Error(err)
		}
		defer p.Close()
		if c.DryRun {
			at.End()
			return sh.sayRewind(p)
		}
		if used := rewind.Used(p); used > 0 && used == p.Conflicts() && (c.Conflicts == "" || used == p.Len()) {
			return errUsed(p, used)
		}
		done, err := sh.rewind(ctx, conn, p, rewind.Choice(c.Conflicts), c.Confirm, c.JSON)
		if errors.Is(err, rewind.ErrConflicts) {
			return ops.Wrap(rewind.ErrConflicts, ops.Failed,
				lang.M("some rows were changed after the rewind; nothing was done")).
				WithHint(lang.M("list them with: opsdeck restore undo %s --dry-run, then choose with --conflicts "+
					"skip or --conflicts overwrite", id))
		}
		if err != nil {
			return err
		}
		if done.Changed == 0 { // it can still be undone
			return ops.E(ops.Failed, lang.M("nothing was undone: all %s rows were left as they are",
				human.Count(int64(done.Skipped))))
		}
		r.State = restores.RewindUndone
		return sh.rewinder().Store().Keep(r)
	})
}
