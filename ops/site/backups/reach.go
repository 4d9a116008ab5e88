package backups

import (
	"context"
	"errors"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// Reach is how close to the present a restore from a backup can come: to the end of the
// archived binlog, or to the server's current end if it responds and continues the
// archive. If the backup is not good, there is no reach.
func (sh Binlog) Reach(ctx context.Context, set *backup.Set) (restore.Reach, error) {
	r := restore.Reach{Now: sh.Clock.Now()}
	if set == nil || set.State != backup.Good {
		return r, nil
	}
	r.Backup = set.At
	ahead, err := sh.Ahead(ctx, set)
	switch {
	case errors.Is(err, changes.ErrNoStart), errors.Is(err, changes.ErrAmbiguous):
	case err != nil:
		return r, err
	case ahead.Live:
		r.LogTo = r.Now
	default:
		r.LogTo = ahead.To
		if r.LogTo.Before(r.Backup) {
			r.LogTo = r.Backup
		}
	}
	return r, nil
}

// Ahead is how far the binlog continues a backup; changes.ErrNoStart if it does not.
func (sh Binlog) Ahead(ctx context.Context, set *backup.Set) (changes.Ahead, error) {
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return changes.Ahead{}, changes.ErrNoStart // an unknown position cannot be continued
	}
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return changes.Ahead{}, err
	}
	return changes.LookAhead(ctx, sh.Archive(), target, sh.Service.Database.Name, restore.PositionsOf(m))
}
