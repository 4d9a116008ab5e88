package backups

import (
	"context"
	"errors"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// Reach is how close to the present a restore from a backup can come: along the archive
// of the binary log, and to the server's own end while it answers and continues it. Of
// no backup, or one that is not good, it says that there is none.
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

// Ahead is how far the binary log continues a backup; changes.ErrNoStart where it does
// not.
func (sh Binlog) Ahead(ctx context.Context, set *backup.Set) (changes.Ahead, error) {
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return changes.Ahead{}, changes.ErrNoStart // what is not known continues nothing
	}
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return changes.Ahead{}, err
	}
	return changes.LookAhead(ctx, sh.Archive(), target, sh.Service.Database.Name, restore.StandsOf(m))
}
