package restores

import (
	"context"
	"maps"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/standby"
)

// holdFor is how long a standby does not pass the moment of a plan that was made.
const holdFor = 15 * time.Minute

// Standby is where the record of this service's standby is kept.
func (d *Desk) Standby() standby.Store {
	return standby.Store{StateDir: d.StateDir, Service: d.Service.Name}
}

// Server is the adapter of the target for work at low priority, over one connection.
func (d *Desk) Server() *swap.Server {
	s := d.serverSettings()
	s.Jobs = 1
	s.Loader = swap.Engine{Target: d.Target, Identities: d.identities, Jobs: 1}
	return swap.New(s)
}

// StandbySources are the backups that a standby may be loaded from, the newest first: good
// and whole ones, which record their place in the binary log.
func (d Finder) StandbySources(ctx context.Context) ([]restore.Source, error) {
	inv, err := d.Shelf.Read(ctx)
	if err != nil {
		return nil, err
	}
	var out []restore.Source
	for _, set := range inv.Sets {
		if set.State != backup.Good || !set.Restorable(d.Service.Database.Name) || set.Foreign || set.Parsed.Physical {
			continue
		}
		src, err := d.sourceOf(set)
		whole := src.Manifest && !src.Partial && src.Where == "" && !src.NoData && src.Rowless.Empty()
		if err == nil && whole && len(src.Positions) > 0 && src.Database == d.Service.Database.Name {
			out = append(out, src)
		}
	}
	slices.SortStableFunc(out, func(a, b restore.Source) int { return b.At.Compare(a.At) })
	return out, nil
}

// warm looks whether a restore can begin with the standby, and says in the replay that it
// does, or why not. What is not known is a reason not to.
func (d *Desk) warm(
	ctx context.Context,
	log *changes.Source,
	src restore.Source,
	r *restore.Replay,
	c restore.Choice,
) {
	now := d.Clock.Now()
	rec, err := d.Standby().Load()
	refuse := func(why lang.Msg) { r.Standby, r.NoStandby = nil, restore.N(why) }
	switch {
	case err != nil:
		refuse(lang.M("its record cannot be read: %s", err.Error()))
		return
	case rec.State == standby.Off && !d.Service.Restore.Standby:
		return
	}
	if why := c.NoStandby(); !why.Empty() {
		refuse(why)
		return
	}
	if why := rec.Unfit(d.Service.Database.Name, d.Service.Restore.Standby); !why.Empty() {
		refuse(why)
		return
	}
	server := d.server()
	defer server.Close()
	s, why := d.fit(ctx, server, log, src, rec, r)
	if !why.Empty() {
		refuse(why)
		return
	}
	s.Rest = restore.Span(max(0, replayTarget(r, now).Sub(rec.AppliedTo)))
	r.Standby = s
	if d.Writable() == nil {
		d.Standby().Keep(standby.Hold{At: r.To,
			Until: now.Add(holdFor)}) // without it the standby may pass the moment: then a load follows
	}
}

// besideWarm looks at the standby for a restore of a backup alone, which ends at the
// backup's own moment and does not use it; nil where none is kept.
func besideWarm(ctx context.Context, d *Desk, server *swap.Server, c restore.Choice) *restore.Warm {
	if c.Moment != nil {
		return nil // warm tells it
	}
	unused := func(why lang.Msg) *restore.Warm { return &restore.Warm{NoUse: restore.N(why)} }
	rec, err := d.Standby().Load()
	switch {
	case err != nil:
		return unused(lang.M("its record cannot be read: %s", err.Error()))
	case rec.State == standby.Off && !d.Service.Restore.Standby:
		return nil
	}
	why := c.NoStandby()
	if why.Empty() {
		why = rec.Unfit(d.Service.Database.Name, d.Service.Restore.Standby)
	}
	if why.Empty() {
		_, why = placed(ctx, server, rec)
	}
	if !why.Empty() {
		return unused(why)
	}
	return &restore.Warm{Time: rec.AppliedTo}
}

// placed is how far the log is applied to a standby, from the server; why it cannot be used
// where that is not known.
func placed(
	ctx context.Context,
	server *swap.Server,
	rec *standby.Record,
) (state replay.State, why lang.Msg) {
	id, err := server.Facts.Identity(ctx)
	if err != nil {
		return state, lang.M("the server could not be asked: %s", err.Error())
	}
	if id != rec.Server {
		return state, lang.M("it is on another server")
	}
	state, ok, err := server.Standby.State(ctx, rec.Schema)
	switch {
	case err != nil:
		return state, lang.M("it cannot be read: %s", err.Error())
	case !ok:
		return state, swap.NoPlace()
	}
	return state, why
}

// replayTarget is the moment that a replay goes to.
func replayTarget(r *restore.Replay, now time.Time) time.Time {
	switch {
	case !r.Asked.Time.IsZero() && r.Asked.Time.Before(now):
		return r.Asked.Time
	case !r.ToTime.IsZero():
		return r.ToTime
	}
	return now
}

// fit proves on the server and in the log that the standby lies before the replay's end,
// on the same line, and holds what the backup with the log would.
func (d *Desk) fit(
	ctx context.Context,
	server *swap.Server,
	log *changes.Source,
	src restore.Source,
	rec *standby.Record,
	r *restore.Replay,
) (s *restore.Standby, why lang.Msg) {
	state, why := placed(ctx, server, rec)
	if !why.Empty() {
		return nil, why
	}
	run, err := log.At(state.At, rec.Done)
	if err != nil {
		return nil, swap.OutOfLog()
	}
	passed, known := run.Passed(state.At, r.To)
	switch {
	case !known:
		return nil, swap.OutOfLog()
	case passed:
		return nil, lang.M("it is past that moment (%s)", rec.AppliedTo.Local().Format("2006-01-02 15:04:05"))
	}
	if why, err = writtenBy(ctx, log, rec); err != nil || !why.Empty() {
		if err != nil {
			why = lang.M("cannot tell whether others wrote to it: %s", err.Error())
		}
		return nil, why
	}
	rest, err := replay.Ahead(ctx, d.Target, replay.Span{
		Run:      run,
		Moment:   binlog.Moment{Position: &r.To.Position},
		Database: src.Database,
		Schema:   rec.Schema,
		Rows:     state.Rows,
	})
	switch {
	case err != nil:
		return nil, lang.M("the log after its position cannot be read: %s", err.Error())
	case rest.To != r.To && !(rest.Transactions == 0 && state.At == r.To):
		return nil, lang.M("the log after its position does not reach that moment")
	}
	if why := standby.Unlike(rest.Rows, r.Rows); !why.Empty() {
		return nil, why
	}
	s = &restore.Standby{Schema: rec.Schema, At: state.At, Done: rec.Done, Time: rec.AppliedTo,
		Transactions: rest.Transactions, Before: state.Transactions,
		Checked: rec.Check.At, CheckedWith: rec.Check.Backup}
	changed := int64(0)
	for _, c := range rest.Tables {
		changed += c.Rows()
	}
	if rec.Rate > 0 {
		s.Takes = restore.Span(time.Duration(float64(changed)/rec.Rate*float64(time.Second)) + time.Second)
	}
	s.Proven, s.Seen = proven(ctx, log, rec, state, rest)
	return s, why
}

// proven are the tables of a standby that are as its last check found them: nobody wrote
// into them since, and the rest of the log does not. Where the log cannot tell, none is.
func proven(
	ctx context.Context,
	log *changes.Source,
	rec *standby.Record,
	state replay.State,
	rest *replay.Forecast,
) (tables []string, seen binlog.Place) {
	if rec.Check.Seen.File == "" {
		return nil, seen
	}
	run, err := log.At(rec.Check.Seen, "")
	if err != nil || run.Gap != nil || !run.Live {
		return nil, seen
	}
	touched, err := replay.Written(ctx, run, rec.Schema)
	if err != nil {
		return nil, seen
	}
	for _, c := range rest.Tables {
		touched.Tables[c.Table] = true
	}
	for _, name := range slices.Sorted(maps.Keys(state.Rows)) {
		if !touched.Holds(name) && state.Rows[name] >= 0 {
			tables = append(tables, name)
		}
	}
	return tables, run.End()
}
