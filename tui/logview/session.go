package logview

import (
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// Session is how the tab was left: it comes back when the same logs are opened again. Bookmarks
// are kept apart.
type Session struct {
	Filters  []Filter  `json:"filters"`
	RulesOff []string  `json:"rules_off,omitempty"` // highlight rules of the configuration, by their queries
	Off      []string  `json:"logs_off,omitempty"`
	Delta    int       `json:"delta,omitempty"`
	Place    *Bookmark `json:"place,omitempty"` // of the row under the cursor; nil where the end was followed
}

// session keeps how the tab is left.
type session struct {
	look   *look
	kept   *kept
	list   *list
	notice lang.Msg // to be said when the tab is first shown
}

// now is the session as it is.
func (s *session) now() Session {
	out := Session{Off: s.kept.off, Delta: int(s.list.delta), Filters: []Filter{}}
	for _, f := range s.kept.list {
		switch {
		case !f.Rule:
			out.Filters = append(out.Filters, f)
		case !f.On:
			out.RulesOff = append(out.RulesOff, f.Query)
		}
	}
	if r, ok := s.list.current(); ok && !s.list.follow && !r.Event.Time.IsZero() {
		b := bookmarkOf(r)
		out.Place = &b
	}
	return out
}

// save keeps the session for the next time.
func (s *session) save() tea.Cmd {
	keep := s.look.o.SaveSession
	now := s.now()
	if keep == nil {
		return nil
	}
	return func() tea.Msg {
		if err := keep(now); err != nil {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("the filters and the place are not kept: %s", lang.Raw(err.Error())),
			}
		}
		return nil
	}
}

// restore takes up the session of the last time, and the rules of the configuration.
func (p *Page) restore(o Options) {
	was := o.Session
	list := append([]Filter{}, was.Filters...)
	for i := range list {
		list[i].Rule = false
	}
	for _, rule := range o.Highlights {
		rule.Does = FilterMark
		rule.On = true
		rule.Rule = true
		for _, off := range was.RulesOff {
			rule.On = rule.On && off != rule.Query
		}
		list = append(list, rule)
	}
	p.kept.off = was.Off
	p.kept.set(list)
	if p.list.delta = deltaMode(was.Delta); p.list.delta < deltaOff || p.list.delta > deltaMark {
		p.list.delta = deltaOff
	}
	p.kept.into(p.ask.asked)
	if p.ask.asked.Filtered() {
		p.feed.source.SetQuery(p.ask.asked, p.ask.filter)
		p.session.notice = lang.M("restored as you left it: filters or switched-off logs hide events; F and D show " +
			"them")
	}
	if was.Place != nil {
		p.list.follow = false
		p.book.toMark = was.Place
		p.feed.seeking = was.Place.At
		p.feed.want = wish{true, store.Place{At: was.Place.At}, 0}
		if p.session.notice.Empty() {
			p.session.notice = lang.M("restored as you left it, at %s; G follows the newest",
				p.look.env.Time(was.Place.At.Truncate(time.Second)))
		}
	}
	if !o.Aside.Empty() {
		p.session.notice = o.Aside
	}
}

// greet says once what came back.
func (s *session) greet() tea.Cmd {
	if s.notice.Empty() {
		return nil
	}
	told := s.notice
	s.notice = lang.Msg{}
	state := ops.StateOK
	if s.look.o.Aside.Key == told.Key {
		state = ops.StateWarning
	}
	return page.Send(page.Notice{State: state, Text: told})
}
