package logview

import (
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// pause is how long typing must rest before a search; it narrows what the last
// one found, so it can be short.
const pause = 40 * time.Millisecond

// edit opens the query box.
func (p *Page) edit() tea.Cmd {
	p.mode, p.typing, p.histAt = listMode, true, -1
	p.input.Set(p.query.Source)
	p.input.Focus()
	return nil
}

// typeQuery takes a key of the query box.
func (p *Page) typeQuery(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		p.typing = false
		return tea.Batch(p.remember(p.input.Value()), p.search(p.input.Value()))
	case "esc":
		p.typing = false
		if p.input.Value() == "" {
			return nil
		}
		p.input.Set("")
		return p.search("")
	case "up", "ctrl+p":
		return p.recall(1)
	case "down", "ctrl+n":
		return p.recall(-1)
	case "pgup":
		return p.move(-p.listHeight())
	case "pgdown":
		return p.move(p.listHeight())
	}
	before := p.input.Value()
	p.input.Key(k)
	if p.input.Value() == before {
		return nil
	}
	return page.After(p.env.Ctx, pause, page.Msg{To: ID, Body: typedMsg{p.typed.Next()}})
}

// recall brings back an earlier query, then the saved ones.
func (p *Page) recall(step int) tea.Cmd {
	var all []string
	for i := len(p.history) - 1; i >= 0; i-- {
		all = append(all, p.history[i])
	}
	for _, s := range p.o.Searches {
		all = append(all, s.Query)
	}
	at := p.histAt + step
	if at >= len(all) || at < -1 {
		return nil
	}
	p.histAt = at
	text := ""
	if at >= 0 {
		text = all[at]
	}
	p.input.Set(text)
	return p.search(text)
}

const maxHistory = 100

// remember puts a query into the history, which is kept for the next time.
func (p *Page) remember(text string) tea.Cmd {
	if strings.TrimSpace(text) == "" || len(p.history) > 0 && p.history[len(p.history)-1] == text {
		return nil
	}
	p.history = append(slices.DeleteFunc(slices.Clone(p.history), func(old string) bool { return old == text }), text)
	if len(p.history) > maxHistory {
		p.history = p.history[1:]
	}
	save, all := p.o.SaveHistory, slices.Clone(p.history)
	if save == nil {
		return nil
	}
	return func() tea.Msg {
		if err := save(all); err != nil {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("the search history is not kept: %s", lang.Raw(err.Error())),
			}
		}
		return nil
	}
}

// pickSearch lists the saved searches and the earlier ones.
func (p *Page) pickSearch() tea.Cmd {
	var items []widget.Item
	var queries []string
	for _, s := range p.o.Searches {
		items, queries = append(items, widget.Item{Name: s.Name, Detail: s.Query}), append(queries, s.Query)
	}
	for _, text := range slices.Backward(p.history) {
		items, queries = append(items, widget.Item{Name: text}), append(queries, text)
	}
	return page.Send(page.Open{Overlay: widget.NewPick(p.env, lang.M("Searches"), items, func(i int) tea.Cmd {
		p.input.Set(queries[i])
		return tea.Batch(p.remember(queries[i]), p.search(queries[i]))
	})})
}

// search looks for what is typed; of a query with an error, for the part that
// is clear.
func (p *Page) search(text string) tea.Cmd {
	q, err := query.ParseQuery(text, p.env.Clock.Now().In(p.env.Zone))
	p.queryErr = nil
	errors.As(err, &p.queryErr)
	p.query = q
	return p.apply()
}

// apply puts the query, with the level that was picked, into force.
func (p *Page) apply() tea.Cmd {
	q := *p.query
	if p.minLevel != logs.LevelUnknown {
		q.LimitLevels(p.minLevel.String() + "+")
		q.Source += " level:" + p.minLevel.String() + "+"
	}
	p.asked, p.seeking = q.Events(), time.Time{}
	p.source.SetQuery(p.asked, p.filter)
	if r, ok := p.current(); ok && !p.follow && !p.want.set {
		if p.holding == (store.RowID{}) {
			p.holding = r.ID
		}
		p.want = wish{true, store.Place{Row: p.holding}, -1}
	}
	p.gen.Next() // what is under way is for another query
	return tea.Batch(p.load(), p.count(true))
}

// pickLevel goes round the levels: all, info and above, warnings, errors.
func (p *Page) pickLevel() tea.Cmd {
	switch p.minLevel {
	case logs.LevelUnknown:
		p.minLevel = logs.LevelInfo
	case logs.LevelInfo:
		p.minLevel = logs.LevelWarn
	case logs.LevelWarn:
		p.minLevel = logs.LevelError
	default:
		p.minLevel = logs.LevelUnknown
	}
	return p.apply()
}

// arounds are how many events are shown around each hit, from narrow to wide.
var arounds = []int{0, 1, 3, 10, 30, 100}

// widen shows more or fewer events around each hit.
func (p *Page) widen(step int) func() tea.Cmd {
	return func() tea.Cmd {
		at := max(0, min(slices.Index(arounds, p.around)+step, len(arounds)-1))
		p.around, p.filter, p.ranked = arounds[at], true, false
		p.source.SetAround(p.around)
		return p.apply()
	}
}

// toggleOrder lists hits by rank, or by time again.
func (p *Page) toggleOrder() tea.Cmd {
	if p.ranked = !p.ranked; p.ranked {
		p.leaveEnd()
		p.cur, p.top = 0, 0
		return p.apply()
	}
	if r, ok := p.current(); ok {
		p.want = wish{true, store.Place{Row: r.ID}, p.listHeight() / 3}
	}
	return p.apply()
}

// toggleFilter shows only hits, or all events with the hits marked.
func (p *Page) toggleFilter() tea.Cmd {
	p.filter, p.ranked = !p.filter, false
	return p.apply()
}
