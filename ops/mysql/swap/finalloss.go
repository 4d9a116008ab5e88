package swap

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Final counts what a restore loses of the state before it. A swap has moved that state to the
// plan's own database; in place it is still the live one, and nothing is loaded yet. The rest of
// the loss is the plan's.
func (x *Losses) Final(ctx context.Context, p *restore.Plan) (restore.Loss, error) {
	a := *p.Assessment
	loss := a.Loss
	loss.CountedAt = time.Now()
	in := p.Target.Live
	if p.Mode == restore.Swap {
		in = p.Kept
	}
	if p.Source.Replay != nil {
		tables, err := x.afterMoment(ctx, p)
		loss.Tables = tables
		return loss, err
	}
	a.Loss = restore.Loss{}
	a.Tables = slices.Clone(a.Tables)
	if err := x.recount(ctx, &a, in, p.Source); err != nil {
		return loss, err
	}
	x.loss(ctx, &a, in, p.Source, p.Tables)
	loss.Tables, loss.Unknown, loss.Unseen = a.Loss.Tables, a.Loss.Unknown, a.Loss.Unseen
	if len(a.Loss.Users)+len(a.Loss.Resources) > 0 {
		loss.Users, loss.Resources = a.Loss.Users, a.Loss.Resources
	}
	return loss, ctx.Err()
}

// recount counts the tables that the backup lacks: all of their rows are lost.
func (x *Losses) recount(ctx context.Context, a *restore.Assessment, in string, src restore.Source) error {
	db, err := x.db(ctx)
	if err != nil {
		return err
	}
	for i := range a.Tables {
		t := &a.Tables[i]
		if !t.Exists || t.InBackup || !src.Manifest || t.Broken() || t.Rows > countLimit {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, lookLimit)
		n, err := schema.One(bounded, db, "SELECT COUNT(*) FROM "+restore.Name(in, t.Name))
		cancel()
		rows, bad := strconv.ParseInt(n, 10, 64)
		if t.Estimate = err != nil || bad != nil; !t.Estimate {
			t.Rows = rows
		}
	}
	return ctx.Err()
}

// afterMoment adds up what the log has from the end of a replay on: up to the RENAME of the
// swap, or in place up to its end.
func (x *Losses) afterMoment(ctx context.Context, p *restore.Plan) ([]restore.LossTable, error) {
	if x.log == nil {
		return nil, errUnlogged
	}
	log, err := x.log(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	l := &since{p: p, begun: true, tables: map[string]binlog.TableChange{}}
	if err := l.readBefore(ctx, log); err != nil {
		return nil, err
	}
	var out []restore.LossTable
	for _, name := range slices.Sorted(maps.Keys(l.tables)) {
		if c := l.tables[name]; c.Rows() > 0 && (len(p.Tables) == 0 || slices.Contains(p.Tables, name)) {
			out = append(out, restore.LossTable{
				Table: name, Newer: c.Inserted, Changed: c.Updated, Deleted: c.Deleted, How: "log"})
		}
	}
	return out, nil
}

// errReached ends a reading at the RENAME of the swap.
var errReached = errors.New("reached")

// readBefore adds up what was written before the restored tables became the live ones.
func (l *since) readBefore(ctx context.Context, log *changes.Source) error {
	run, err := log.At(l.p.Source.Replay.To, "")
	if err != nil {
		return errors.Join(err, log.LiveErr)
	}
	if !run.Live {
		return errors.Join(errUnlogged, log.LiveErr)
	}
	sum := format.Summary{Done: func(t *binlog.Transaction) error {
		if l.p.Mode == restore.Swap && l.restored(t) {
			return errReached
		}
		l.take(binlog.Place{}, t)
		return nil
	}}
	err = run.Each(ctx, run.From, func(binlog.Place, *format.Format) error { return nil }, sum.Take)
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}
