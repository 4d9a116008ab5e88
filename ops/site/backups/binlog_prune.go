package backups

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
)

// oldestOfAll is the oldest full backup of any database in the folder: several services
// may share the folder for their backups and binlogs.
func oldestOfAll(inv *backup.Inventory) (oldest *backup.Set) {
	for _, s := range inv.Sets {
		if s.State != backup.Bad && s.Restorable("") &&
			(oldest == nil || s.At.Before(oldest.At)) {
			oldest = s
		}
	}
	return oldest
}

// pruneBinlog removes binlog that no kept backup needs: a restore to a moment starts with
// a full backup. Without one, nothing is removed.
func (sh Binlog) pruneBinlog(ctx context.Context) error {
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	oldest := oldestOfAll(inv)
	if oldest == nil {
		return nil
	}
	var at *binlog.Position
	if m, err := backup.ReadManifest(oldest.Path); err == nil && m.Position.File != "" {
		at = &binlog.Position{File: m.Position.File, Pos: m.Position.Pos}
	}
	need, err := sh.standbyNeeds()
	if err != nil {
		sh.Say(lang.M("no binlog was removed: the record of a standby cannot be read: %s", err.Error()))
		return nil
	}
	gone, err := sh.Archive().Retire(oldest.At, at, need.Places...)
	for _, s := range gone {
		sh.Say(lang.M("removed the binlog file %s: it ends before the oldest backup", s.Name))
	}
	return err
}
