package logview

import (
	"time"

	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
)

// feed brings the window of rows that is wanted, and the events by time.
type feed struct {
	look        *look
	ask         *asking
	tally       *tally
	list        *list
	book        *book
	source      Source
	gen         page.Gen // of windows
	loading     bool
	again       bool // what is shown is stale: load once more
	want        wish
	seeking     time.Time   // the moment to go to once text that old is read
	saidMissing bool        // that there is none
	holding     store.RowID // where one was when the query changed, until all hits are found
}
