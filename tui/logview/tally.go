package logview

import (
	"time"

	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
)

// tally is what was counted: of all events, and by time.
type tally struct {
	look     *look
	stats    store.Stats
	line     store.Timeline
	lineGen  page.Gen
	lineBusy bool
	lineAt   time.Time // when it was last counted
	zoom     []span
}
