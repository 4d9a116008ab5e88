package restoreview

import (
	"opsdeck/ops/restore"
)

// picking chooses the backup that the restore is from.
type picking struct {
	base    *base
	sources []restore.Source
}
