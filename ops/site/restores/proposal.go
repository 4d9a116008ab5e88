package restores

import (
	"context"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/restore"
)

// mostPassed is how many backups that were passed over are named one by one.
const mostPassed = 3

// proposal is the newest usable backup that has not shrunk against the ones
// before it, and what was passed over for it. Where all have, it is the newest.
func proposal(inv *backup.Inventory, database string) (*backup.Set, []restore.Note) {
	newest := backup.NewestUsable(inv, database)
	if newest == nil {
		return nil, nil
	}
	shrinks := inv.Shrinks()
	var passed []restore.Note
	more := 0
	for _, s := range inv.Sets {
		if s.State != newest.State || !s.Restorable(database) || s.At.After(newest.At) || s.Parsed.Physical {
			continue
		}
		shrink, shrunk := shrinks.Of(s)
		if !shrunk {
			return s, andMore(passed, more)
		}
		if len(passed) == mostPassed {
			more++
			continue
		}
		passed = append(passed, restore.N(lang.M("%s was skipped: %s", s.Name, shrink.Text())))
	}
	return newest, nil
}

// movedFrom is a note where a backup of another server has far more than the proposed one: the
// database may have moved, and what was restored or backed up here since is not its data.
func movedFrom(inv *backup.Inventory, set *backup.Set, database string) []restore.Note {
	s := backup.NewestOther(inv, database)
	if s == nil || !set.FarFewerThan(s) {
		return nil
	}
	return []restore.Note{restore.N(lang.M("%s is not proposed, for it was made from another server, on the machine "+
		"%s; it has %s rows, the proposed backup %s. If the database has moved from there: opsdeck restore --from %s "+
		"--plan", s.Name, termsafe.Line(s.Summary.Machine), human.Count(s.Summary.Rows),
		human.Count(set.Summary.Rows), human.Shell(s.Name)))}
}

// andMore adds to the notes on backups that were passed over how many more there are.
func andMore(passed []restore.Note, more int) []restore.Note {
	if more == 0 {
		return passed
	}
	return append(passed, restore.N(lang.M("%d older backups were skipped too: they lack rows as well", more)))
}

// sourceIn is a backup of the inventory, with what it lacks that those before it had.
func (d Finder) sourceIn(inv *backup.Inventory, set *backup.Set) (restore.Source, error) {
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

// inspect looks into a dump without a manifest: which tables it holds of the
// database that the load will take. A dump of other databases alone is an error.
func (d Finder) inspect(ctx context.Context, src *restore.Source) error {
	if src.Manifest {
		return nil
	}
	if src.Copy != "" {
		src.Untold = restore.N(lang.M("the dump has no manifest and is at the copy %s", src.Copy))
		return nil
	}
	contents, err := d.looked(ctx, src.Path)
	if err != nil {
		src.Untold = restore.N(d.Site.Explain(err).What)
		return nil
	}
	held := src.Database
	if held == "" {
		held = d.Service.Database.Name
	}
	if err := strays(contents, held); err != nil {
		return err
	}
	if !contents.Complete {
		src.Untold = restore.N(lang.M("the dump is truncated: its end is missing"))
		return nil
	}
	src.Inspected, src.Holds = true, []backup.Object{}
	for _, s := range contents.Schemas {
		if s.Name != "" && s.Name != held && len(s.Tables)+len(s.Objects) > 0 {
			src.Others = append(src.Others, s.Name)
		}
	}
	for _, name := range contents.Drops {
		if name != held {
			src.Drops = append(src.Drops, name)
		}
	}
	src.Definitions, src.Unkept = contents.Definitions, contents.Unkept
	for _, t := range load.HeldTables(contents, held) {
		src.Contents = append(src.Contents, restore.SourceTable{Name: t.Name, Rows: t.Rows, Inexact: t.Inexact})
	}
	for _, s := range contents.Schemas {
		if s.Name == "" || s.Name == held {
			src.Holds = append(src.Holds, s.Objects...)
		}
	}
	for _, o := range src.Holds {
		if o.Kind == "sequence" {
			src.Contents = append(src.Contents, restore.SourceTable{Name: o.Name, Engine: "SEQUENCE"})
		}
	}
	return nil
}

// strays is an error where the dump enters other databases, and never the wanted
// one: the load would take nothing of it.
func strays(contents *backup.DumpContents, held string) error {
	var others []string
	for _, s := range contents.Schemas {
		switch {
		case s.Name == held, s.Name == "" && len(s.Tables)+len(s.Objects) > 0:
			return nil
		case s.Name != "":
			others = append(others, s.Name)
		}
	}
	if len(others) == 0 {
		return nil
	}
	none := load.NoDatabase(held, contents.Complete)
	if !contents.Complete {
		return none
	}
	return none.WithHint(lang.M("it contains %s: choose one of these with --from-schema",
		termsafe.Line(strings.Join(others, ", "))))
}
