package backupview

import (
	"opsdeck/tui/widget"
)

// table is the list of backups: groups, filter, order and the cursor.
type table struct {
	stock   *stock
	dossier *dossier
	work    *work
	rows    []row
	scroll  widget.Scroll
	chosen  string          // the key of the row under the cursor
	folded  map[string]bool // groups, by tier
	order   order
	filter  string
	input   widget.Input
	typing  bool
}
