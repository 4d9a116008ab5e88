package statusview

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
)

// Alerts is where what an operator says of the alerts goes.
type Alerts interface {
	Ack(service, rule string) error
	Silence(service, rule string, d time.Duration) error
	// List are the alerts that are active, then those resolved within back.
	List(back time.Duration) (alert.Listing, error)
}

// silenceFor is how long the key of a silence silences.
const silenceFor = 2 * time.Hour

// WithAlerts lets the page acknowledge and silence alerts.
func (p *Page) WithAlerts(a Alerts) { p.alerts = a }

// alertActions are the keys of the alerts of the check that is chosen; on the check
// "alerts" they are those of all alerts of the service.
func (p *Page) alertActions() []page.Action {
	if p.alerts == nil {
		return nil
	}
	off := func() lang.Msg {
		if s := p.table.subject(); s == nil || !s.Seen() {
			return lang.M("not checked yet")
		}
		return lang.Msg{}
	}
	alerts := p.alerts
	env := p.look.env
	return []page.Action{
		{
			ID: "status.alerts", Keys: []string{"A"}, Label: lang.M("alerts"), Footer: true,
			Help: lang.M("list the alerts: firing, acknowledged, silenced, and those of the last 7 days"),
			Run: func() tea.Cmd {
				service, rule := "", "*"
				if s := p.table.subject(); s != nil {
					service, rule = ruleOf(s)
				}
				return listAlerts(env, alerts, service, rule)
			},
		},
		{
			ID: "status.ack", Keys: []string{"a"}, Label: lang.M("acknowledge"), Writes: true, Off: off,
			Help: lang.M("acknowledge the alerts of this check: they are not sent again"),
			Run: func() tea.Cmd {
				service, rule := ruleOf(p.table.subject())
				return report(func() error { return alerts.Ack(service, rule) }, lang.M("acknowledged"))
			},
		},
		{
			ID: "status.silence", Keys: []string{"s"}, Label: lang.M("silence"), Writes: true, Off: off,
			Help: lang.M("send no alerts of this check for 2 hours"),
			Run: func() tea.Cmd {
				service, rule := ruleOf(p.table.subject())
				return report(func() error { return alerts.Silence(service, rule, silenceFor) },
					lang.M("silenced for 2 hours"))
			},
		},
	}
}

// ruleOf is the rule of a check.
func ruleOf(s *health.Standing) (service, rule string) {
	if s.Check.Name == "alerts" {
		return s.Check.Service, "*"
	}
	return s.Check.Service, s.Check.Name
}

// report does something and says how it went.
func report(do func() error, done lang.Msg) tea.Cmd {
	return func() tea.Msg {
		if err := do(); err != nil {
			return page.Notice{State: ops.StateCritical, Text: lang.M("%s", err)}
		}
		return page.Notice{State: ops.StateOK, Text: done}
	}
}
