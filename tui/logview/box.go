package logview

import (
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// box is the line where a query is typed, and the queries of before.
type box struct {
	look    *look
	input   widget.Input
	typing  bool
	typed   page.Gen // of keystrokes, to search when they pause
	history []string
	histAt  int
}
