package restores

import (
	"context"
	"fmt"
	"slices"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
)

// loggedWait is how long a plan waits to hear what the binlog holds of missing tables.
const loggedWait = 15 * time.Second

// tellLogged finds what a restore of the backup alone loses though the binlog holds it,
// where tables are missing and their rows cannot be compared. What cannot be read in time
// leaves the tables to be told as unknown.
func (d Finder) tellLogged(ctx context.Context, src restore.Source, c restore.Choice, a *restore.Assessment) {
	gone := src.Gone(c, a)
	if c.Moment != nil || c.Into != "" || !src.Manifest || len(src.Positions) == 0 || len(gone) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, loggedWait)
	defer cancel()
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return
	}
	defer log.Close()
	run, err := log.From(src.Database, src.Positions)
	if err != nil {
		return
	}
	found, err := replay.Since(ctx, run, src.Database, gone)
	if err != nil || found.Drop == "" && !run.Live {
		return
	}
	found.Tables = gone
	if found.Cut, err = d.Shelf.LogCut(d.Service.Database.Name, src.At); err != nil {
		return
	}
	a.Loss.Logged = &found
}

// tellLogThere warns where the copy that a backup is restored from has more of the binlog than
// the backup: without it, what was written after the backup is lost.
func (d Finder) tellLogThere(ctx context.Context, src restore.Source, c restore.Choice, a *restore.Assessment) {
	if src.Copy == "" || c.Moment != nil || c.Into != "" || !src.Manifest || len(src.Positions) == 0 {
		return
	}
	found, err := d.Shelf.Offsite().Copies(src.Copy)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, loggedWait)
	defer cancel()
	at, err := d.Shelf.Offsite().LookAtLogs(ctx, found[0], true)
	if err != nil {
		if len(at.Pieces) == 0 && ctx.Err() == nil {
			return
		}
		a.Findings = append(a.Findings, restore.Finding{State: ops.StateUnknown, What: restore.N(lang.M(
			"cannot tell whether the copy %s has the binlog of the time after the backup: %s", src.Copy, err.Error()))})
		return
	}
	end := binlog.Furthest(at.Spans)
	if end == nil || !reachesBeyond(end, src) {
		return
	}
	name := human.Shell(src.Copy)
	a.Findings = append(a.Findings, restore.Finding{
		State: ops.StateWarning,
		What: restore.N(lang.M("the copy %s has the binlog up to %s; without it, what was written after the backup "+
			"(%s) is lost",
			src.Copy, human.Moment(end.ToTime), human.Moment(src.At))),
		Hint: restore.N(lang.M("fetch the log, and restore to its end: %s; %s",
			"opsdeck backup binlog fetch --copy "+name, fmt.Sprintf("opsdeck restore --from %s:%s --until %s:%d --plan",
				name, human.Shell(src.Name), end.ToFile, end.ToPos))),
	})
}

// reachesBeyond reports whether a log goes on after a backup. In the same second, of which a log
// may know no parts, the positions decide.
func reachesBeyond(log *binlog.Span, src restore.Source) bool {
	if log.ToTime.After(src.At) || log.ToTime.Before(src.At.Truncate(time.Second)) {
		return log.ToTime.After(src.At)
	}
	end := binlog.Position{File: log.ToFile, Pos: log.ToPos}
	return slices.ContainsFunc(src.Positions, func(p binlog.BackupPosition) bool {
		return p.File == "" || p.Position.Before(end)
	})
}
