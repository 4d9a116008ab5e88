package restores

import (
	"context"
	"errors"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
)

// openLog opens the binary log; with a replay only up to its end.
func (d *Desk) openLog(ctx context.Context, r *restore.Replay) (*changes.Source, error) {
	keys, err := d.Shelf.Identities()
	if err != nil {
		return nil, err
	}
	if r == nil {
		return changes.Open(ctx, d.Shelf.Binlog().Archive(), keys, d.Target)
	}
	return changes.OpenUpTo(ctx, d.Shelf.Binlog().Archive(), keys, d.Target, r.To)
}

// rolled is the backup of a choice with the replay up to its moment. Without a named
// backup it is the newest usable one from which the moment can be reached.
func (d Finder) rolled(ctx context.Context, c restore.Choice) (restore.Source, error) {
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return restore.Source{}, d.Shelf.Binlog().BinlogError(err)
	}
	defer log.Close()
	if log.LiveErr != nil && log.Empty() {
		return restore.Source{}, d.Shelf.Offsite().OrFromCopy(ctx, d.Shelf.Binlog().BinlogError(log.LiveErr))
	}
	sources, err := d.startingPoints(ctx, c)
	if err != nil {
		return restore.Source{}, err
	}
	var first error
	for _, src := range sources {
		r, err := replay.Draft(ctx, log, d.Target, src, c)
		if err == nil {
			if log.LiveErr != nil {
				r.Warnings = append(r.Warnings, restore.N(lang.M("reading only the archive: %s",
					d.Shelf.Binlog().BinlogSentence(log.LiveErr).What)))
			}
			d.warm(ctx, log, src, r, c)
			return replay.Rolled(src, r), nil
		}
		var one, other *replay.EarlyError
		if first == nil || errors.As(first, &one) && errors.As(err, &other) {
			first = err // of backups that are all too late, the oldest tells what can be reached
		}
		var known *ops.Error
		if !errors.As(err, &known) {
			break
		}
	}
	return restore.Source{}, d.Shelf.Offsite().OrFromCopy(ctx, d.Shelf.Binlog().ChangesError(first))
}

// startingPoints are the backups from which a moment may be reached, the newest first.
func (d Finder) startingPoints(ctx context.Context, c restore.Choice) ([]restore.Source, error) {
	src, err := d.sourceTo(ctx, c.Source, c.Moment)
	if err != nil || c.Source != "" {
		return []restore.Source{src}, err
	}
	inv, err := d.Shelf.Read(ctx)
	if err != nil {
		return nil, err
	}
	out := []restore.Source{}
	for _, set := range inv.Sets {
		if !set.Restorable(d.Service.Database.Name) || set.Foreign || string(set.State) == "bad" {
			continue
		}
		if t := c.Moment.Time; !t.IsZero() && set.At.After(t) {
			continue
		}
		one, err := d.sourceIn(inv, set)
		if err == nil && one.Manifest {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b restore.Source) int { return b.At.Compare(a.At) })
	if len(out) == 0 {
		return []restore.Source{src}, nil // its error says what can be reached
	}
	return out, nil
}
