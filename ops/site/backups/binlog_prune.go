package backups

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
)

// pruneBinlog removes what of the binary log no backup needs that is kept: a restore
// to a moment begins with a full backup. Without one nothing goes.
func (sh Binlog) pruneBinlog(ctx context.Context) error {
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	oldest := oldestFull(inv)
	if oldest == nil {
		return nil
	}
	var at *binlog.Position
	if m, err := backup.ReadManifest(oldest.Path); err == nil && m.Position.File != "" {
		at = &binlog.Position{File: m.Position.File, Pos: m.Position.Pos}
	}
	gone, err := sh.Archive().Retire(oldest.At, at)
	for _, s := range gone {
		sh.Say(lang.M("removed the binlog file %s: it ends before the oldest backup", s.Name))
	}
	return err
}
