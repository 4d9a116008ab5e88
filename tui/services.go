package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// Services are the services of which the console shows one at a time. Its zero value is a
// console of one service, which names no other.
type Services struct {
	Names []string
	// Program is how this program is called again for a service.
	Program func(service string) string
	// Over is the page that shows all of them; "" where each page shows the one.
	Over string
}

func (s Services) several() bool { return len(s.Names) > 1 }

// SwitchError is how a console ends so that it opens again with another service, and
// how it looked.
type SwitchError struct {
	Service string
	Page    string // the page that was in front
	Theme   theme.Options
	Lang    string
	Zone    *time.Location
}

func (e *SwitchError) Error() string { return "the console is to show the service " + e.Service }

// serviceAction lets a person choose the service that the pages show.
func serviceAction(c *Console) page.Action {
	return page.Action{
		ID:    "console.service",
		Keys:  []string{"0"},
		Label: lang.M("service"),
		Help:  lang.M("choose the service that the tabs show"),
		Run:   func() tea.Cmd { c.push(servicePicker(c)); return nil },
	}
}

func servicePicker(c *Console) page.Overlay {
	items := []widget.Item{}
	for _, name := range c.o.Services.Names {
		detail := ""
		if name == c.env.Service {
			detail = c.env.T("shown now")
		}
		items = append(items, widget.Item{Name: name, Detail: detail})
	}
	return widget.NewPick(c.env, lang.M("Choose a service"), items, func(i int) tea.Cmd {
		name := c.o.Services.Names[i]
		if name == c.env.Service {
			return nil
		}
		return leave(c, lang.M("Switch to %s?", name), lang.M("switch"), func() tea.Cmd {
			e := c.env
			c.next = &SwitchError{name, c.page().ID(), c.o.Theme, e.Lang.Code(), e.Zone}
			return tea.Quit
		})
	})
}

// shows says in the rule above the page of which service it is, where there are several.
func shows(c *Console) string {
	if !c.o.Services.several() {
		return ""
	}
	service := termsafe.Line(c.env.Service)
	if c.page().ID() == c.o.Services.Over {
		return c.env.T("all services; the other tabs show %s, 0 switches", service)
	}
	return c.env.T("this tab shows %s, 0 switches", service)
}
