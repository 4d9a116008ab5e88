package backupview

import (
	"opsdeck/ops/backup"
	"opsdeck/tui/widget"
)

// dossier is the backup that is opened, or the retention plan.
type dossier struct {
	stock    *stock
	open     string // the name of the opened backup; "" for the list
	manifest *backup.Manifest
	compared *comparison // the last one, of whichever backup
	planOpen bool
	detail   widget.Scroll
}
