package auditview

import (
	"time"

	"opsdeck/ops/audit"
	"opsdeck/tui/page"
)

// base is what every part of the tab works with: the source, the query and the view.
type base struct {
	env    *page.Env
	src    Source
	mode   mode
	back   []mode // where esc leads
	query  string
	filter audit.Filter
	proof  proof
	at     time.Time // the console's moment of interest
}
