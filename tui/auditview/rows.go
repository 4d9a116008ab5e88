package auditview

import (
	"opsdeck/tui/page"
)

// rows are the rows that were read, the chosen one, and what is proved of them.
type rows struct {
	base    *base
	story   *story
	tallies *tallies
	list    list
	detail  detail
	look    columns
	ticks   page.Gen // of the live list's clock
}
