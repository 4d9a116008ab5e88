package statusview

import (
	"opsdeck/tui/widget"
)

// dossier is the check that is opened.
type dossier struct {
	look    *look
	open    string // the ID of the opened check; "" for the list
	detail  widget.Scroll
	command int // the marked command of the opened check
}
