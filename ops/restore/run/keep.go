package run

import (
	"context"
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// foresee records what the emergency backup will need of the live database, if that backup
// is made from the old tables later.
func (c *Crew) foresee(ctx context.Context, p *restore.Plan, s restore.Snapshot, _ Report) (restore.Event, error) {
	err := c.Saver.Foresee(ctx, p, s.SkipTables, c.Folder)
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		return unreadableFound(s, unreadable), nil
	}
	return restore.Event{Kind: restore.KindDone, Notes: []restore.Note{restore.N(lang.M("the emergency backup is "+
		"made once the service is back, from the old tables, which the RENAME keeps in %s; drop-old refuses until "+
		"it is complete", p.Kept))}}, err
}

// keep makes the emergency backup of the old tables, and verifies it.
func (c *Crew) keep(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	p = saving(p, s)
	path, notes, err := c.Saver.SaveOld(ctx, p, s.SkipTables, c.Folder, report)
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		return unreadableFound(s, unreadable), nil
	}
	if err != nil {
		return restore.Event{}, err
	}
	if err := c.Saver.Proves(ctx, path, report); err != nil {
		if ctx.Err() == nil { // the next try rewrites a backup that is not good
			err = errors.Join(err, c.Saver.Discard(p))
		}
		return restore.Event{}, err
	}
	return restore.Event{Kind: restore.KindDone, Notes: notes, Data: &restore.Data{Emergency: path}}, nil
}

// dropOld drops the old tables. If the emergency backup was made from them, it must exist
// and be good.
func (c *Crew) dropOld(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	if s.Later && s.Swapped && s.Data.Emergency != "" {
		if err := c.Saver.Proves(ctx, s.Data.Emergency, report); err != nil {
			return restore.Event{}, err
		}
	}
	return noted(c.Database.Cleaner.DropOld(ctx, p))
}
