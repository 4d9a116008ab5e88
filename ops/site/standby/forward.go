package standby

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/restore/standby"
)

// forward applies the log: first up to each backup that the standby can be compared with,
// then up to the delay.
func (r *round) forward() error {
	limit := r.limit()
	run, err := r.log.At(r.state.At, r.rec.Done)
	if err != nil {
		return r.markBroken(lang.M("the archived binlog does not contain its position %s", r.state.At.String()),
			r.rec.Backup)
	}
	src, place, err := r.comparable(run, limit)
	if err != nil {
		return err
	}
	if src != nil {
		waits, err := r.apply(run, binlog.Moment{Position: &place.Position})
		if err != nil {
			return err
		}
		if !waits {
			if err := r.compare(*src, run.End()); err != nil {
				return err
			}
		}
	}
	m := r.held(run, limit)
	waits, err := r.apply(run, m)
	if err != nil {
		return err
	}
	if waits {
		r.did.Paused = lang.M("a temporary table in the log is open from %s on; it continues where the table is "+
			"dropped",
			r.state.At.Position.String())
		return nil
	}
	if run.Gap != nil && limit.After(run.ToTime()) {
		return r.markBroken(lang.M("the archived binlog has a gap after %s", run.End().String()), "")
	}
	if !m.Time.IsZero() {
		r.applied(r.reached(run, limit))
	}
	r.rec.LookedAt = r.now()
	r.rec.Paused = restore.Note{}
	return r.save()
}

// reached is up to when the standby holds all that was committed: the limit, or how far the
// archive goes where that is less.
func (r *round) reached(run *changes.Run, limit time.Time) time.Time {
	end := run.ToTime()
	if r.asOf.After(end) { // an idle server writes nothing for long
		end = r.asOf
	}
	if end.Before(limit) {
		return end
	}
	return limit
}

// applied notes a moment, which never goes back.
func (r *round) applied(to time.Time) {
	if to.After(r.rec.AppliedTo) {
		r.rec.AppliedTo = to
	}
}

// archivedTo is up to when the archive holds all that was committed, as it says before it is
// opened; zero where that is not known.
func (r *round) archivedTo() time.Time {
	b := r.Shelf.Binlog()
	now := r.now()
	h, err := b.Holdings(r.ctx)
	if err != nil {
		return time.Time{}
	}
	live := b.Live(r.ctx, h)
	if !live.Known {
		return time.Time{}
	}
	return now.Add(-live.Lag)
}

// limit is up to when the log is applied: the delay, and no further than the beginning of
// a backup that is being made, for it will be compared with it.
func (r *round) limit() time.Time {
	limit := r.now().Add(-r.Service.Restore.StandbyDelay)
	who, held, err := lock.Look(backup.LockPath(r.StateDir))
	if err == nil && held && !who.Since.IsZero() && who.Since.Before(limit) {
		limit = who.Since
	}
	return limit
}

// held is the moment of the limit, or the place that a plan holds the standby before.
func (r *round) held(run *changes.Run, limit time.Time) binlog.Moment {
	m := binlog.Moment{Time: limit}
	h := r.rec.Hold
	if h == nil || !r.now().Before(h.Until) {
		return m
	}
	if passed, known := run.Passed(r.state.At, h.At); known && !passed {
		m = binlog.Moment{Position: &h.At.Position}
	}
	return m
}

// apply applies the log up to a moment. waits tells that it ended earlier: a temporary table
// is open at the moment, and would be lost with the session.
func (r *round) apply(run *changes.Run, m binlog.Moment) (waits bool, err error) {
	span := replay.Span{Run: run, Moment: m, Database: r.rec.Database, Schema: r.rec.Schema, Rows: r.state.Rows,
		Quiet: true}
	// The run begins at the place of the last commit; what it holds before it is done.
	from, err := r.log.At(r.state.At, r.rec.Done)
	if err != nil {
		return false, r.markBroken(lang.M("the archived binlog does not contain its position %s", r.state.At.String()),
			r.rec.Backup)
	}
	span.Run = from
	rest, err := replay.Ahead(r.ctx, r.Target, span)
	if err != nil {
		return false, err
	}
	if len(rest.Refused) > 0 {
		x := rest.Refused[0]
		return false, r.markBroken(lang.M("a statement of %s cannot be applied: %s",
			x.Time.Local().Format("2006-01-02 15:04:05"), x.Why), r.rec.Backup)
	}
	if rest.Transactions == 0 {
		return rest.Waits, nil
	}
	if err := r.write(from, rest); err != nil {
		return false, err
	}
	r.applied(rest.ToTime)
	return rest.Waits, nil
}

// write applies what was looked at.
func (r *round) write(run *changes.Run, rest *replay.Forecast) error {
	began := time.Now()
	before := r.state
	state, err := r.server.Standby.Forward(r.ctx, replay.Job{
		Run:    run,
		To:     rest.To,
		From:   r.rec.Database,
		Schema: r.rec.Schema,
		Total:  before.Transactions + rest.Transactions,
		Before: before.Transactions,
		Report: r.Report,
		Rest:   r.rest,
	})
	if state.Rows != nil {
		r.state, r.rec.Place = state, state.At
		r.did.Transactions += state.Transactions - before.Transactions
		changed := state.Changed - before.Changed
		r.did.Rows += changed
		r.did.Statements += state.Statements - before.Statements
		if took := time.Since(began).Seconds(); changed > enoughRows && took > 0 {
			r.rec.Rate = float64(changed) / took
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errPaused), r.ctx.Err() != nil, mysql.Lost(err), mysql.Circumstance(err):
		return err
	case errors.Is(err, replay.ErrAgain), errors.Is(err, replay.ErrUnplanned), mysql.Number(err) != 0:
		return r.markBroken(lang.M("the log could not be applied: %s", err.Error()), r.rec.Backup)
	}
	return err
}

// enoughRows is from how many changed rows on the pace of a round is worth remembering.
const enoughRows = 1000

// comparable is the newest backup whose place in the log lies ahead of the standby and
// before the limit, and was not compared yet; nil when there is none.
func (r *round) comparable(run *changes.Run, limit time.Time) (*restore.Source, binlog.Place, error) {
	sources, err := r.Finder().StandbySources(r.ctx)
	if err != nil {
		return nil, binlog.Place{}, err
	}
	for i := range sources {
		src := sources[i]
		if src.At.After(limit) {
			continue
		}
		if c := r.rec.Check; c != nil && !src.At.After(c.BackupAt) {
			break
		}
		own, err := r.log.From(src.Database, src.Positions)
		if err != nil || src.Positions[0].File == "" || own.From.Position != src.Positions[0].Position {
			continue
		}
		if passed, known := run.Passed(r.state.At, own.From); known && !passed {
			return &src, own.From, nil
		}
	}
	return nil, binlog.Place{}, nil
}

// compare compares the standby with a backup, at that backup's place in the log. seen is a
// place that the server's log has passed.
func (r *round) compare(src restore.Source, seen binlog.Place) error {
	p := &restore.Plan{ID: r.rec.ID, Mode: restore.Swap, Source: src, Shadow: r.rec.Schema,
		Target: restore.Target{Database: r.rec.Database, Live: r.rec.Database}}
	var v run.Verdict
	var err error
	entry := oplog.Entry{Action: "standby.check", Object: src.Name}
	err = r.Record(r.ctx, entry, func(ctx context.Context, detail map[string]string) error {
		v, err = r.server.Standby.Compare(ctx, p, r.paced(ctx))
		return err
	})
	if err != nil {
		return err
	}
	c := &standby.Check{
		At:       r.now(),
		Backup:   src.Name,
		BackupAt: src.At,
		Place:    src.Positions[0].Position,
		Tables:   len(v.Tables),
		Good:     len(v.Doubts) == 0,
		Differs:  v.Doubts,
		Seen:     seen,
	}
	for _, t := range v.Tables {
		c.Rows += t.Rows
	}
	r.rec.Check, r.did.Checked = c, c
	if !c.Good {
		return r.markBroken(lang.M("it differs from %s: %s", src.Name, c.Differs[0].Msg), "")
	}
	return r.save()
}
