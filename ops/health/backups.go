package health

import (
	"context"
	"time"
)

// NewestBackup is the newest backup that can be restored from: a verified one,
// or where there is none the newest against which nothing speaks.
type NewestBackup struct {
	Name      string
	CreatedAt time.Time
	SizeBytes int64
	Verified  bool // proved by hash and counts, not only by its look
	Bad       int  // newer backups that cannot be used
	BadName   string
}

// Backups tells of the newest good backup; a zero NewestBackup means that there
// is none.
type Backups interface {
	NewestGood(ctx context.Context) (NewestBackup, error)
}
