package restores

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/standby"
)

// StandbyWritten says that others wrote to a standby, or changed its definitions, after opsdeck's
// last work on it; empty if nobody did. Where the log of that time is gone, it cannot tell.
func (d Finder) StandbyWritten(ctx context.Context, rec *standby.Record) (lang.Msg, error) {
	if rec.Quiet.File == "" {
		return lang.Msg{}, nil
	}
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return lang.Msg{}, err
	}
	defer log.Close()
	return writtenBy(ctx, log, rec)
}

// writtenBy is StandbyWritten with an open log.
func writtenBy(ctx context.Context, log *changes.Source, rec *standby.Record) (lang.Msg, error) {
	if rec.Quiet.File == "" {
		return lang.Msg{}, nil
	}
	run, err := log.At(rec.Quiet, "")
	if err != nil || run.Gap != nil || !run.Live {
		return lang.Msg{}, nil
	}
	touched, err := replay.Written(ctx, run, rec.Schema)
	switch {
	case err != nil:
		return lang.Msg{}, err
	case touched.All:
		return lang.M("others changed it by a statement after %s", rec.Quiet.Position.String()), nil
	case len(touched.Tables) > 0:
		return lang.M("others wrote to these tables of it after %s: %s", rec.Quiet.Position.String(),
			strings.Join(slices.Sorted(maps.Keys(touched.Tables)), ", ")), nil
	}
	return lang.Msg{}, nil
}

// unwritten is StandbyWritten for a restore that is about to use the standby of its plan.
func (d Finder) unwritten(ctx context.Context, p *restore.Plan) (lang.Msg, error) {
	rec, err := d.Standby().Load()
	if err != nil || p.Standby() == nil || rec.Schema != p.Standby().Schema {
		return lang.Msg{}, err
	}
	return d.StandbyWritten(ctx, rec)
}

// LogEnd is the end of the server's log now; at is a position in it.
func (d Finder) LogEnd(ctx context.Context, at binlog.Place, done string) (binlog.Place, error) {
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return binlog.Place{}, err
	}
	defer log.Close()
	run, err := log.At(at, done)
	if err != nil {
		return binlog.Place{}, err
	}
	if !run.Live {
		return binlog.Place{}, errors.Join(errors.New("the end of the server's log is not known"), log.LiveErr)
	}
	return run.End(), nil
}
