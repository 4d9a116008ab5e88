package logview

import (
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/query"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// askTime asks for a moment and shows the events from then on.
func (p *Page) askTime() tea.Cmd {
	return page.Send(
		page.Open{
			Overlay: widget.NewPrompt(p.look.env, lang.M("Go to a time"),
				p.look.env.T("14:00 of the day shown, 2026-01-29T14:00, yesterday, -2h"), "", p.feed.toTime),
		},
	)
}

// toTime goes to a moment; a time of day is that of the day under the cursor.
func (p *feed) toTime(text string) tea.Cmd {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	now := p.look.env.Clock.Now().In(p.look.env.Zone)
	if r, ok := p.list.current(); ok && !r.Event.Time.IsZero() && strings.IndexByte(text, ':') > 0 {
		now = r.Event.Time.In(p.look.env.Zone)
	}
	at, err := query.ParseMoment(text, now)
	if err != nil {
		return page.Send(
			page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)", lang.Raw(text)),
			},
		)
	}
	return p.toMoment(at.Truncate(time.Millisecond), 0)
}

// byHour goes an hour on or back from the event under the cursor.
func (p *feed) byHour(hours int) func() tea.Cmd {
	return func() tea.Cmd {
		r, _ := p.list.current()
		return p.toMoment(r.Event.Time.Add(time.Duration(hours)*time.Hour), p.list.cur-p.list.top)
	}
}

// sameContext shows only the events of the context under the cursor, or all again.
func (p *finder) sameContext() tea.Cmd {
	r, _ := p.list.current()
	word := "context:" + strings.ReplaceAll(r.Event.Context, " ", `\ `)
	before, after, there := strings.Cut(" "+p.ask.query.Source+" ", " "+word+" ")
	text := strings.TrimSpace(p.ask.query.Source + " " + word)
	if there {
		text = strings.TrimSpace(strings.TrimSpace(before) + " " + strings.TrimSpace(after))
	}
	p.box.input.Set(text)
	return tea.Batch(p.box.remember(text), p.search(text))
}

func (p *list) noContext() lang.Msg {
	if r, ok := p.current(); !ok || r.Event.Context == "" {
		return lang.M("the event names no context")
	}
	return lang.Msg{}
}

// checkJump looks whether the moment that one goes to was there to go to. While older
// text is still read the window follows it; where there is none, that is said.
func (p *feed) checkJump() tea.Cmd {
	at, s := p.seeking, p.tally.stats
	switch {
	case at.IsZero():
	case s.Oldest.IsZero() || at.Before(s.Oldest):
		if s.Done < s.Bytes || s.Oldest.IsZero() || p.saidMissing {
			return nil
		}
		p.saidMissing = true
		return p.warn(lang.M("no event is that old: the logs start at %s", p.look.env.Time(s.Oldest)))
	case at.After(s.Last.Add(nearEnd)):
		p.seeking = time.Time{}
		return p.warn(lang.M("no event is that new: the logs end at %s", p.look.env.Time(s.Last)))
	default:
		p.seeking = time.Time{}
	}
	return nil
}

// nearEnd is how far behind the newest event a moment may lie and still be of now.
const nearEnd = time.Minute

func (p *feed) warn(text lang.Msg) tea.Cmd {
	return page.Send(page.Notice{State: ops.StateWarning, Text: text})
}
