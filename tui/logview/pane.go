package logview

// A screen of roomy rows or more has the chosen event in a pane below the list. It is
// not at the side: lines of a log are long, and a list of full width can be scrolled
// by the terminal.
const (
	roomy    = 44
	paneRows = 12
)

func (p *Page) paneHeight() int {
	if p.size.Height < roomy || p.size.Width < 100 || len(p.rows) == 0 {
		return 0
	}
	return paneRows
}

// pane draws the chosen event.
func (p *Page) pane(width int) []string {
	h := p.paneHeight()
	r, ok := p.current()
	if h == 0 || !ok {
		return make([]string, h)
	}
	lines := append([]string{p.rule(p.env.T("event"), width)}, p.eventLines(r.Event, width)...)
	if len(lines) > h {
		lines = lines[:h]
		lines[h-1] = " " + p.ink.dim.Paint(p.env.T("… enter: the whole event"))
	}
	return append(lines, make([]string, h-len(lines))...)
}
