package logview

import (
	"time"

	"opsdeck/ops/logs/store"
)

// list is the window of rows, the cursor in it and a selection.
type list struct {
	look   *look
	ask    *asking
	tally  *tally
	rows   []store.Row
	top    int
	cur    int
	follow bool
	seen   int64       // Stats.Added when following was left
	delta  deltaMode   // what times are measured from
	from   store.RowID // where a selection began
	fromAt time.Time
}
