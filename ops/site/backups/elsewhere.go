package backups

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Elsewhere is the content of the configured copies as of the last check by sync, by a
// stream, or by list --copy. It needs no connection to them.
func (sh *Shelf) Elsewhere(inv *backup.Inventory) ([]backup.Elsewhere, error) {
	if len(sh.Service.Backup.Copies) == 0 {
		return nil, nil
	}
	known, err := backup.ReadCopies(sh.StateDir, places(sh.Service.Backup.Copies))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
	}
	var all []backup.Elsewhere
	for _, c := range sh.Service.Backup.Copies {
		l, err := backup.ReadListing(sh.StateDir, c.Name, PlaceOf(c))
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
		}
		all = append(all, inv.Beside(l, sh.Scan(sh.Dir), known))
	}
	return all, nil
}

// ReadOrNone reads the local folder; it is empty if all backups are streamed to a copy and
// the folder was never created.
func (sh *Shelf) ReadOrNone(ctx context.Context) (*backup.Inventory, error) {
	if _, err := os.Stat(sh.Dir); errors.Is(err, fs.ErrNotExist) && sh.Service.Backup.StreamTo != "" {
		return sh.Scan(sh.Dir).NewInventory(nil), nil
	}
	return sh.Read(ctx)
}

// KeepAt is a copy's own retention rule, or the service's.
func KeepAt(sh *Shelf, c config.Copy) backup.Keep {
	if k := c.Keep; ownKeep(c) {
		return backup.Keep{
			Daily:     k.Daily,
			Weekly:    k.Weekly,
			Monthly:   k.Monthly,
			Emergency: k.Emergency,
			Manual:    k.Manual,
		}
	}
	return sh.Keep()
}
