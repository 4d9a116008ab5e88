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
	lineAt   time.Time     // when it was last counted
	lineTook time.Duration // how long that took
	zoom     []span
}

// How often the timeline is recounted while logs grow: where counting takes long, less
// often, countShare times as long as it takes.
const (
	countEvery = time.Second
	countMost  = 5 * time.Second
	countShare = 300
)

// due tells whether the timeline, of n columns, has to be recounted.
func (t *tally) due(n int) bool {
	every := min(max(countEvery, countShare*t.lineTook), countMost)
	return len(t.line.Counts) != n || t.look.env.Clock.Now().Sub(t.lineAt) >= every
}
