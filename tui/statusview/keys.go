package statusview

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
)

// Actions is the table of keys: those of the opened check, or of the list.
func (p *Page) Actions() []page.Action {
	look := page.Action{
		ID:     "status.look",
		Keys:   []string{"r"},
		Label:  lang.M("refresh"),
		Help:   lang.M("check everything now, without waiting"),
		Footer: true,
		Run: func() tea.Cmd {
			source := p.look.source
			return func() tea.Msg { source.Now(); return nil }
		},
	}
	moment := page.Action{
		ID:     "status.moment",
		Keys:   []string{"i"},
		Label:  lang.M("logs then"),
		Help:   lang.M("show the logs from the moment the state changed"),
		Footer: true,
		Off: func() lang.Msg {
			if s := p.table.subject(); s == nil || !s.Seen() {
				return lang.M("not checked yet")
			}
			return lang.Msg{}
		},
		Run: func() tea.Cmd {
			at, _ := p.table.subject().Moment()
			return tea.Sequence(page.Send(page.Incident{At: at}), page.Send(page.Goto{Page: "logs"}))
		},
	}
	if s := p.dossier.opened(); s != nil {
		return slices.Concat(p.detailActions(len(s.Commands())), []page.Action{look, moment}, p.further())
	}
	return slices.Concat(p.listActions(), []page.Action{look, moment}, p.further())
}

// further are the keys that the list and the opened check share.
func (p *Page) further() []page.Action { return append(p.alertActions(), p.deployment()...) }

// WithDeployment lets the page open the deployment of the console's service.
func (p *Page) WithDeployment(open func() tea.Cmd) { p.deploy = open }

func (p *Page) deployment() []page.Action {
	if p.deploy == nil {
		return nil
	}
	s := p.table.subject()
	return []page.Action{{
		ID:     "status.deploy",
		Keys:   []string{"D"},
		Label:  lang.M("deploy"),
		Help:   lang.M("deploy a release, follow it, resume it, roll it back"),
		Footer: s != nil && s.Check.Kind == health.KindDeploy,
		Run:    p.deploy,
	}}
}

// subject is the check that actions are about, or nil.
func (p *table) subject() *health.Standing {
	if s := p.dossier.opened(); s != nil {
		return s
	}
	return p.current()
}

func (p *Page) listActions() []page.Action {
	return []page.Action{
		{
			ID:     "status.open",
			Keys:   []string{"enter"},
			Label:  lang.M("open"),
			Help:   lang.M("open the check: response, limits, history, commands"),
			Footer: true,
			Off:    p.table.nothing,
			Run:    func() tea.Cmd { p.dossier.openCheck(p.table.chosen); return nil },
		},
		{
			ID:     "status.filter",
			Keys:   []string{"/"},
			Label:  lang.M("filter"),
			Help:   lang.M("list only checks that contain all typed words"),
			Footer: true,
			Run: func() tea.Cmd {
				p.table.typing = true
				p.table.input.Set(p.table.filter)
				p.table.input.Focus()
				return nil
			},
		},
		{
			ID:     "status.bad",
			Keys:   []string{"b"},
			Label:  lang.M("problems only"),
			Help:   lang.M("list only problems, or everything again"),
			Footer: true,
			Run:    func() tea.Cmd { p.table.bad = !p.table.bad; p.table.take(p.look.report); return nil },
		},
		{
			ID:    "status.copy",
			Keys:  []string{"y"},
			Label: lang.M("copy"),
			Help:  lang.M("copy the command for more details"),
			Off:   p.table.nothing,
			Run:   func() tea.Cmd { return p.table.copyCommand(0) },
		},
		{ID: "status.all", Keys: []string{"esc"}, Label: lang.M("all"), Help: lang.M("list everything again"),
			Run: func() tea.Cmd { p.table.bad, p.table.filter = false, ""; p.table.take(p.look.report); return nil }},
	}
}

func (p *Page) detailActions(commands int) []page.Action {
	none := func() lang.Msg {
		if commands == 0 {
			return lang.M("there is no command for it")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "status.back",
			Keys:   []string{"esc", "enter", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { p.dossier.open = ""; return nil },
		},
		{
			ID:     "status.copy",
			Keys:   []string{"y"},
			Label:  lang.M("copy command"),
			Help:   lang.M("copy the marked command"),
			Footer: true,
			Off:    none,
			Run:    func() tea.Cmd { return p.table.copyCommand(p.dossier.command) },
		},
		{
			ID:     "status.mark",
			Keys:   []string{"c"},
			Label:  lang.M("next command"),
			Help:   lang.M("mark the next command"),
			Footer: commands > 1,
			Off:    none,
			Run:    func() tea.Cmd { p.dossier.command = (p.dossier.command + 1) % commands; return nil },
		},
		{
			ID:    "status.copyraw",
			Keys:  []string{"Y"},
			Label: lang.M("copy response"),
			Help:  lang.M("copy the raw response"),
			Run: func() tea.Cmd {
				if s := p.dossier.opened(); s != nil && s.Last.Raw != "" {
					return page.Send(page.Copy{Text: s.Last.Raw})
				}
				return page.Send(page.Notice{State: ops.StateWarning, Text: lang.M("there is no response to copy")})
			},
		},
		{
			ID:    "status.next",
			Keys:  []string{"right", "l", "n"},
			Label: lang.M("next"),
			Help:  lang.M("the next check of the list"),
			Run:   func() tea.Cmd { p.table.step(1); return nil },
		},
		{
			ID:    "status.previous",
			Keys:  []string{"left", "h", "p"},
			Label: lang.M("previous"),
			Help:  lang.M("the previous check in the list"),
			Run:   func() tea.Cmd { p.table.step(-1); return nil },
		},
	}
}

func (p *table) nothing() lang.Msg {
	if p.current() == nil {
		return lang.M("no check is listed")
	}
	return lang.Msg{}
}

// step opens the check before or after in the list.
func (p *table) step(n int) {
	p.scroll.Move(n)
	p.settle(n)
	p.dossier.openCheck(p.chosen)
}

func (p *table) copyCommand(i int) tea.Cmd {
	s := p.subject()
	if s == nil || i >= len(s.Commands()) {
		return nil
	}
	return page.Send(page.Copy{Text: p.look.env.Command(s.Commands()[i])})
}

// Key moves in the list or the opened check, or types the filter.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	name := k.String()
	if p.table.typing {
		p.table.typeFilter(k)
		return nil
	}
	if p.dossier.open != "" {
		p.dossier.scrollDetail(name)
		return nil
	}
	before := p.table.scroll.Cursor
	if p.table.scroll.Key(name) {
		p.table.moved = true
		step := 1
		if p.table.scroll.Cursor < before {
			step = -1
		}
		p.table.settle(step)
	}
	return nil
}

func (p *table) typeFilter(k tea.KeyMsg) {
	switch k.String() {
	case "enter":
		p.typing = false
		return
	case "esc":
		p.typing = false
		p.input.Set("")
	case "up", "down", "pgup", "pgdown":
		p.moved = true
		p.scroll.Key(k.String())
		p.settle(1)
		return
	default:
		p.input.Key(k)
	}
	p.filter = p.input.Value()
	p.take(p.look.report)
}

func (p *dossier) scrollDetail(name string) {
	switch name {
	case "up", "k":
		p.detail.Top--
	case "down", "j":
		p.detail.Top++
	case "pgup", "ctrl+b":
		p.detail.Top -= 10
	case "pgdown", "ctrl+f", " ":
		p.detail.Top += 10
	case "home", "g":
		p.detail.Top = 0
	case "end", "G":
		p.detail.Top = 1 << 20
	}
}

// Mouse chooses by click, opens what is chosen already, and scrolls.
func (p *Page) Mouse(m tea.MouseMsg, x, y int) tea.Cmd {
	if m.Action != tea.MouseActionPress {
		return nil
	}
	switch m.Button {
	case tea.MouseButtonWheelUp, tea.MouseButtonWheelDown:
		key := map[tea.MouseButton]string{tea.MouseButtonWheelUp: "up", tea.MouseButtonWheelDown: "down"}[m.Button]
		if p.dossier.open != "" {
			p.dossier.scrollDetail(key)
		} else if p.table.scroll.Key(key) {
			p.table.moved = true
			p.table.settle(map[string]int{"up": -1, "down": 1}[key])
		}
	case tea.MouseButtonLeft:
		at := y - listTop + p.table.scroll.Top
		if p.dossier.open != "" || y < listTop || at >= len(p.table.rows) || p.table.rows[at].check == nil {
			return nil
		}
		if at == p.table.scroll.Cursor {
			p.dossier.openCheck(p.table.chosen)
			return nil
		}
		p.table.moved = true
		p.table.scroll.Cursor = at
		p.table.settle(1)
	}
	return nil
}
