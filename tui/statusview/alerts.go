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
	// Silence silences a rule; one that a person silenced already is silenced until then.
	Silence(service, rule string, until time.Time, why string) error
	Unsilence(id string) error
	// Silences are those in force.
	Silences() []alert.Silence
	// List are the alerts that are active, then those resolved within back.
	List(back time.Duration) (alert.Listing, error)
}

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
			Help: lang.M("send no alerts of this check for a time, with a reason; again: change until when"),
			Run:  func() tea.Cmd { return p.silencer().ask("") },
		},
		{
			ID: "status.unsilence", Keys: []string{"u"}, Label: lang.M("end the silence"), Writes: true,
			Help: lang.M("send the alerts of this check again"),
			Off: func() lang.Msg {
				if s := p.silencer(); len(p.look.silencesOf(s.service, s.rule)) == 0 {
					return lang.M("nothing is silenced here")
				}
				return lang.Msg{}
			},
			Run: func() tea.Cmd { s := p.silencer(); return s.end(p.look.silencesOf(s.service, s.rule)) },
		},
	}
}

// silencer silences the rule of the chosen check.
func (p *Page) silencer() silencer {
	s := silencer{env: p.look.env, alerts: p.alerts}
	if one := p.table.subject(); one != nil {
		s.service, s.rule = ruleOf(one)
	}
	return s
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
