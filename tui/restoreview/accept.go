package restoreview

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// nothingToAccept tells why nothing can be accepted as lost.
func (p *asking) nothingToAccept() lang.Msg {
	switch {
	case p.base.plan == nil:
		return lang.M("there is no plan yet")
	case len(p.base.plan.OpenGaps()) == 0:
		return lang.M("nothing would be dropped or shrink, and the server can create all objects")
	}
	return lang.Msg{}
}

// openAccept asks for the name of the first table or other object that would vanish or
// shrink, then plans again.
func (p *asking) openAccept() tea.Cmd {
	gap := p.base.plan.OpenGaps()[0]
	body := []lang.Msg{
		gap.Text(),
		lang.M("Another backup may contain it. If you type its name, the restore continues without it."),
	}
	title := lang.M("A table that would be dropped or shrink")
	if gap.Kind != "" {
		title = lang.M("An object that would be dropped")
	}
	if gap.Refused != "" {
		body[1] = lang.M("The server may accept it after a plugin is installed. If you type its name, the restore " +
			"leaves it out.")
		title = lang.M("An object that the server cannot create")
	}
	return page.Send(page.Open{Overlay: widget.NewConfirm(p.base.env, title, body, gap.Table, func() tea.Cmd {
		p.base.choice.Accept = append(slices.Clone(p.base.choice.Accept), gap.Table)
		return p.base.draft()
	})})
}
