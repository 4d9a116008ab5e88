package auditview

import (
	"opsdeck/tui/widget"
)

// editor is the line where a query is typed, with what could follow.
type editor struct {
	base    *base
	rows    *rows
	input   widget.Input
	editing bool
	complete
}
