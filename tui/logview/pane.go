package logview

// A screen of roomy rows or more has the chosen event in a pane below the list. It is
// not at the side: lines of a log are long, and a list of full width can be scrolled
// by the terminal.
const (
	roomy    = 44
	paneRows = 12
)

func (p *list) paneHeight() int {
	if p.look.panel > 0 && p.look.size.Height >= panelled {
		return p.look.panel
	}
	if p.look.size.Height < roomy || p.look.size.Width < 100 || len(p.rows) == 0 {
		return 0
	}
	return paneRows
}

// pane draws the chosen event.
func (p *sheet) pane(width int) []string {
	h := p.list.paneHeight()
	r, ok := p.list.current()
	if h == 0 || !ok {
		return make([]string, h)
	}
	lines := append([]string{p.look.rule(p.look.env.T("event"), width)}, p.eventLines(r.Event, width)...)
	if len(lines) > h {
		lines = lines[:h]
		lines[h-1] = " " + p.look.ink.dim.Paint(p.look.env.T("… enter: the whole event"))
	}
	return append(lines, make([]string, h-len(lines))...)
}
