package health

import (
	"context"
	"time"

	"opsdeck/internal/lang"
)

// NewestBackup is the newest backup that can be restored from: a verified one,
// or where there is none the newest against which nothing speaks.
type NewestBackup struct {
	Name      string
	CreatedAt time.Time
	SizeBytes int64
	Verified  bool     // proved by hash and counts, not only by its look
	Verify    string   // the command that verifies it
	Moved     bool     // it was, before its metadata alone changed
	Unseen    bool     // routines of other users may be missing
	Bad       []string // newer backups that cannot be used, by name
	OldBad    []string // older ones that cannot be used
	Others    []string // where there is none: the databases of which the folder has backups
	Shrunk    lang.Msg // what it lacks that those before it had; empty: nothing
}

// Backups tells of the newest good backup; a zero NewestBackup means that there
// is none.
type Backups interface {
	NewestGood(ctx context.Context) (NewestBackup, error)
}
