package statusview

import (
	"time"

	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
)

// look is the report that is shown, and how its rows are drawn.
type look struct {
	env       *page.Env
	source    Source
	report    health.Report
	ink       inks
	latencies map[string]time.Duration // as shown
	silences  []alert.Silence          // in force when they were read last
}
