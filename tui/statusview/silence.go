package statusview

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// silencer asks for silences of a rule and ends them.
type silencer struct {
	env           *page.Env
	alerts        Alerts
	service, rule string
}

// ask opens the line that takes how long and why. text is what is there to begin with: no
// key alone silences anything, and neither does a word that was typed for another dialog.
// Where watch has never run there is nobody to ask, and it says so before anything is typed.
func (s silencer) ask(text string) tea.Cmd {
	return func() tea.Msg {
		if l, err := s.alerts.List(0); err == nil && !l.Ran {
			return page.Notice{State: ops.StateWarning, Text: neverRan}
		}
		return s.asking(text)
	}
}

func (s silencer) asking(text string) tea.Msg {
	body := s.env.T("how long and why, for example: %s", s.env.T("2h the disk is being replaced"))
	title := lang.M("Silence the alerts of %s", termsafe.Line(s.name()))
	return page.Open{Overlay: widget.NewPrompt(s.env, title, body, text, s.silence)}
}

func (s silencer) name() string {
	if s.rule == "*" {
		return s.service
	}
	return s.service + "/" + s.rule
}

// silence asks for what was typed. What it lacks is said, and can be typed then.
func (s silencer) silence(text string) tea.Cmd {
	span, why, _ := strings.Cut(strings.TrimSpace(text), " ")
	long, err := time.ParseDuration(span)
	again := func(why lang.Msg) tea.Cmd {
		return tea.Batch(page.Send(page.Notice{State: ops.StateWarning, Text: why}), s.ask(text))
	}
	switch why = strings.TrimSpace(why); {
	case err != nil:
		return again(lang.M("not silenced: type how long first, such as 30m or 2h, then the reason"))
	case long <= 0 || long > alert.LongestSilence:
		return again(lang.M("not silenced: at most %s", human.Duration(alert.LongestSilence)))
	case why == "":
		return again(lang.M("not silenced: a reason is needed, for your colleagues"))
	}
	until := s.env.Clock.Now().Add(long)
	return s.order(func() error { return s.alerts.Silence(s.service, s.rule, until, why) },
		lang.M("%s is silenced until %s; u ends it", s.name(), until.In(s.env.Zone).Format("01-02 15:04:05")))
}

// end ends the silences of the rule.
func (s silencer) end(open []alert.Silence) tea.Cmd {
	return s.order(func() error {
		for _, one := range open {
			if err := s.alerts.Unsilence(one.ID); err != nil {
				return err
			}
		}
		return nil
	}, lang.M("the silence of %s ended", s.name()))
}

// order asks for something, says how that went, and brings the silences as they are then.
func (s silencer) order(do func() error, done lang.Msg) tea.Cmd {
	return func() tea.Msg {
		said := report(do, done)()
		open := s.alerts.Silences()
		return tea.BatchMsg{page.Send(said), page.Send(page.Msg{To: ID, Body: silencesMsg(open)})}
	}
}

// silencesMsg brings the silences that are in force.
type silencesMsg []alert.Silence

// silencesOf are those in force that keep the alerts of a rule quiet; of the rule "*" any
// of the service.
func (p *look) silencesOf(service, rule string) (open []alert.Silence) {
	now := p.env.Clock.Now()
	for _, s := range p.silences {
		if s.Quiets(service, rule, now) || rule == "*" && s.Service == service && now.Before(s.Until) {
			open = append(open, s)
		}
	}
	return open
}

// silence says until when the alerts of a check are quiet, and why; empty for not.
func (p *look) silence(service, rule string) lang.Msg {
	open := p.silencesOf(service, rule)
	if len(open) == 0 {
		return lang.Msg{}
	}
	last := open[0]
	for _, s := range open[1:] {
		if s.Until.After(last.Until) {
			last = s
		}
	}
	return lang.M("alerts silenced until %s by %s: %s", p.env.Time(last.Until), last.By, last.Why.In(p.env.Lang))
}
