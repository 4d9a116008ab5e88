package restores

import (
	"context"
	"time"

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
	a.Loss.Logged = &found
}
