package backups

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
)

// oldestOfAll is the oldest full backup of any database in the folder that a plan keeps:
// several services may share the folder for their backups and binlogs.
func oldestOfAll(inv *backup.Inventory, plan *backup.Plan) (oldest *backup.Set) {
	goes := map[string]bool{}
	if plan != nil {
		for _, s := range plan.Removes() {
			goes[s.Set.Name] = true
		}
	}
	for _, s := range inv.Sets {
		if s.State != backup.Bad && s.Whole("") && !goes[s.Name] &&
			(oldest == nil || s.At.Before(oldest.At)) {
			oldest = s
		}
	}
	return oldest
}

// Surplus is the archived binlog that no backup needs once a plan is executed: a restore to
// a moment starts with a full backup. plan may be nil. Without a full backup nothing is
// surplus; why tells of a standby whose needs are not known, because of which everything
// is kept.
func (sh Binlog) Surplus(ctx context.Context, plan *backup.Plan) (all []*binlog.Segment, why lang.Msg, err error) {
	inv, err := sh.Read(ctx)
	if err != nil {
		return nil, why, err
	}
	oldest := oldestOfAll(inv, plan)
	if oldest == nil {
		return nil, why, nil
	}
	need, err := sh.standbyNeeds()
	if err != nil {
		return nil, lang.M("no binlog was removed: the record of a standby cannot be read: %s", err.Error()), nil
	}
	all, err = sh.Archive().Surplus(oldest.At, positionOf(oldest), need.Places...)
	return all, why, err
}

// positionOf is the binlog position of a backup; nil if its manifest has none.
func positionOf(s *backup.Set) *binlog.Position {
	m, err := backup.ReadManifest(s.Path)
	if err != nil || m.Position.File == "" {
		return nil
	}
	return &binlog.Position{File: m.Position.File, Pos: m.Position.Pos}
}

// pruneBinlog removes the binlog that no kept backup needs, and records it.
func (sh Binlog) pruneBinlog(ctx context.Context) (files int, freed int64, err error) {
	surplus, why, err := sh.Surplus(ctx, nil)
	if !why.Empty() {
		sh.Say(why)
	}
	if err != nil || len(surplus) == 0 {
		return 0, 0, err
	}
	var names []string
	for _, s := range surplus {
		names = append(names, s.Name)
		freed += s.SizeBytes
	}
	entry := oplog.Entry{Action: "backup.prune", Object: sh.Archive().Dir,
		Detail: map[string]string{"remove": strings.Join(names, " ")}}
	err = sh.RecordFreeing(ctx, sh.Dir, entry, func(ctx context.Context, _ map[string]string) error {
		return sh.retire(ctx, surplus)
	})
	if err != nil {
		return 0, 0, err
	}
	return len(names), freed, nil
}

// retire removes archived files that were found to be surplus.
func (sh Binlog) retire(ctx context.Context, surplus []*binlog.Segment) error {
	for _, s := range surplus {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := sh.Archive().Remove(s); err != nil {
			return err
		}
		sh.Say(lang.M("removed the binlog file %s: it ends before the oldest backup", s.Name))
	}
	return nil
}
