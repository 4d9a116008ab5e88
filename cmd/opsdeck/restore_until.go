package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
)

// untilFlags are up to where a restore goes beyond the backup.
type untilFlags struct {
	Until  string `placeholder:"TIME|FILE:POS|GTIDS" help:"Replay the binary log up to this moment: all that was committed before the time, up to the position, or until the set of GTIDs is done."`
	Before string `placeholder:"ID" help:"Replay the binary log up to and without this transaction, as audit changes names it."`
}

// moment reads the flags; nil when neither is given.
func (u untilFlags) moment(now time.Time) (*binlog.Moment, error) {
	switch {
	case u.Until != "" && u.Before != "":
		return nil, ops.E(ops.Usage, lang.M("--until and --before do not go together"))
	case u.Before != "":
		return &binlog.Moment{Before: strings.TrimSpace(u.Before)}, nil
	case u.Until == "":
		return nil, nil
	}
	return binlog.ReadMoment(u.Until, now, time.Local)
}

// openLog opens the binary log; with a replay only up to its end.
func (d *desk) openLog(ctx context.Context, r *restore.Replay) (*changes.Source, error) {
	keys, err := d.shelf.Identities()
	if err != nil {
		return nil, err
	}
	if r == nil {
		return changes.Open(ctx, d.Archive(), keys, d.target)
	}
	return changes.OpenUpTo(ctx, d.Archive(), keys, d.target, r.To)
}

// rolled is the backup of a choice with the replay up to its moment. Without a named
// backup it is the newest usable one from which the moment can be reached.
func (d *desk) rolled(ctx context.Context, c restore.Choice) (restore.Source, error) {
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return restore.Source{}, d.BinlogError(err)
	}
	defer log.Close()
	if log.LiveErr != nil && log.Empty() {
		return restore.Source{}, d.BinlogError(log.LiveErr)
	}
	sources, err := d.startingPoints(ctx, c)
	if err != nil {
		return restore.Source{}, err
	}
	var first error
	for _, src := range sources {
		r, err := replay.Draft(ctx, log, d.target, src, c)
		if err == nil {
			if log.LiveErr != nil {
				r.Warnings = append(r.Warnings, restore.N(lang.M("only the archive is read: %s",
					d.BinlogSentence(log.LiveErr).What)))
			}
			return replay.Rolled(src, r), nil
		}
		if first == nil {
			first = err
		}
		var known *ops.Error
		if !errors.As(err, &known) {
			break
		}
	}
	return restore.Source{}, d.ChangesError(first)
}

// startingPoints are the backups from which a moment may be reached, the newest first.
func (d *desk) startingPoints(ctx context.Context, c restore.Choice) ([]restore.Source, error) {
	src, err := d.source(ctx, c.Source)
	if err != nil || c.Source != "" {
		return []restore.Source{src}, err
	}
	inv, err := d.Read(d.ctx)
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
