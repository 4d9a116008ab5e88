package statusview

import (
	"opsdeck/tui/widget"
)

// table is the list of checks: the filter and the cursor.
type table struct {
	look    *look
	dossier *dossier
	rows    []row // what is listed, after the filter
	scroll  widget.Scroll
	chosen  string // the ID under the cursor, kept when rows come and go
	moved   bool   // a person has put the cursor where it is
	bad     bool   // only what is not well
	filter  string
	input   widget.Input
	typing  bool
}
