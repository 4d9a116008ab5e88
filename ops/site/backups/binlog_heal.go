package backups

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
)

// Healer is the newest good full backup: log that is missing before it is not needed to
// restore later times. The zero Healer heals nothing.
type Healer struct {
	At        time.Time
	Positions []binlog.BackupPosition // none if its manifest cannot be read
}

// healerOf is the newest good full backup of an inventory, whose manifests are in the
// folder dir.
func healerOf(inv *backup.Inventory, dir string) Healer {
	s := backup.Newest(inv, inv.Database)
	if s == nil {
		return Healer{}
	}
	h := Healer{At: s.At}
	path := s.Path
	if path == "" {
		path = filepath.Join(dir, s.Name)
	}
	if m, err := backup.ReadManifest(path); err == nil {
		h.Positions = restore.PositionsOf(m)
	}
	return h
}

// Healer is the newest good full backup in the folder.
func (sh Binlog) Healer(ctx context.Context) Healer {
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return Healer{}
	}
	return healerOf(inv, sh.Dir)
}

// Healer is the newest good full backup at a copy, where a restore from the copy alone would
// start.
func (sh Offsite) Healer(ctx context.Context, c config.Copy) (Healer, error) {
	cp, err := sh.Copier(c, true, nil)
	if err != nil {
		return Healer{}, err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(ctx, sh.Scan(c.Target))
	if err != nil {
		return Healer{}, err
	}
	return healerOf(inv, sh.Dir), nil
}

// heals reports whether the backup was made after a gap: at a later second than the log goes
// on, or, because the log's times may be whole seconds, at a later position of the same log.
func (h Healer) heals(g binlog.Gap) bool {
	switch {
	case h.At.IsZero():
		return false
	case h.At.Truncate(time.Second).After(g.ToTime):
		return true
	case h.At.Before(g.FromTime.Truncate(time.Second)):
		return false // an earlier log may have had the same file names
	case g.Reason == binlog.Reset || g.Reason == binlog.Foreign:
		return false // as the log before this gap may have had
	}
	end := binlog.Position{File: g.ToFile, Pos: g.ToPos}
	return slices.ContainsFunc(h.Positions, func(p binlog.BackupPosition) bool {
		return p.File != "" && binlog.OfServer(p.Server, g.Server) && !p.Source && !p.Position.Before(end)
	})
}
