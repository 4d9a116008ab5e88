package checks

import (
	"context"
	"errors"
	"slices"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/backups"
)

// failover finds that the archive goes on with the log of another server than that of the
// newest good backup, and does not continue this backup.
type failover struct{ Source }

func (f failover) find(ctx context.Context, r *health.Result, sh *backups.Shelf, h backups.Holdings) {
	last := newestSpan(h)
	inv, err := sh.ReadOrNone(ctx)
	if last == nil || err != nil {
		return
	}
	set := backup.Newest(inv, inv.Database)
	if set == nil {
		return
	}
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return
	}
	known := restore.PositionsOf(m)
	host := last.Segments[len(last.Segments)-1].Host
	another := func(s binlog.BackupPosition) bool {
		moved := s.Host != "" && host != "" && s.Host != host
		return s.Server != "" && (moved || !binlog.OfServer(s.Server, last.Server))
	}
	if len(known) == 0 || slices.ContainsFunc(known, func(s binlog.BackupPosition) bool { return !another(s) }) {
		return
	}
	ahead, err := sh.Binlog().Ahead(ctx, set)
	if err != nil && !errors.Is(err, changes.ErrNoStart) {
		return
	}
	if ahead.Live || !ahead.To.Before(last.ToTime) {
		return
	}
	reach := set.At
	if ahead.To.After(reach) {
		reach = ahead.To
	}
	r.FindNext(ops.StateCritical,
		lang.M("no restore to a moment after %s is possible: the binlog continues on another "+
			"server, %s", human.Moment(reach), last.Server), lang.M("there is no full backup of that server"),
		lang.M("Make a full backup now: opsdeck backup create."))
}

// newestSpan is the archive's span with the newest commit; nil where it has none.
func newestSpan(h backups.Holdings) (newest *binlog.Span) {
	for i := range h.Spans {
		if s := &h.Spans[i]; newest == nil || s.ToTime.After(newest.ToTime) {
			newest = s
		}
	}
	return newest
}
