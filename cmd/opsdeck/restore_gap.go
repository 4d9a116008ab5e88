package main

import (
	"context"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
)

// proposal is the newest usable backup that has not shrunk against the ones
// before it, and what was passed over for it. Where all have, it is the newest.
func proposal(inv *backup.Inventory, database string) (*backup.Set, []restore.Note) {
	newest := backup.NewestUsable(inv, database)
	if newest == nil {
		return nil, nil
	}
	var passed []restore.Note
	for _, s := range inv.Sets {
		if s.State != newest.State || !s.Restorable(database) || s.At.After(newest.At) || s.Parsed.Physical {
			continue
		}
		shrink, shrunk := inv.Shrunk(s)
		if !shrunk {
			return s, passed
		}
		passed = append(passed, restore.N(lang.M("%s was passed over: %s", s.Name, shrink.Text())))
	}
	return newest, nil
}

// sourceIn is a backup of the inventory, with what it lacks that those before it had.
func (d *desk) sourceIn(inv *backup.Inventory, set *backup.Set) (restore.Source, error) {
	src, err := d.sourceOf(set)
	if err != nil {
		return src, err
	}
	if shrink, ok := inv.Shrunk(set); ok {
		for _, t := range shrink.Tables {
			src.Shrunk = append(src.Shrunk, restore.SourceTable{Name: t.Name, Rows: t.Was})
		}
		src.PassedOver = append(src.PassedOver, restore.N(lang.M("%s has shrunk: %s", set.Name, shrink.Text())))
	}
	return src, nil
}

// inspect looks into a dump without a manifest: which tables it holds.
func (d *desk) inspect(ctx context.Context, src *restore.Source) {
	if src.Manifest {
		return
	}
	if src.Copy != "" {
		src.Untold = restore.N(lang.M("the dump has no manifest and is at the copy %s", src.Copy))
		return
	}
	contents, err := d.looked(ctx, src.Path)
	if err != nil {
		src.Untold = restore.N(d.app.explain(err).What)
		return
	}
	src.Inspected = true
	for _, s := range contents.Schemas {
		if s.Name != "" && s.Name != src.Database && s.Name != d.service.Database.Name && len(contents.Schemas) > 1 {
			continue
		}
		for _, t := range s.Tables {
			i := slices.IndexFunc(src.Contents, func(x restore.SourceTable) bool { return x.Name == t.Name })
			if i < 0 {
				src.Contents = append(src.Contents, restore.SourceTable{Name: t.Name})
				i = len(src.Contents) - 1
			}
			src.Contents[i].Rows += t.Rows
		}
	}
}
