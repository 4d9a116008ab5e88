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
func (p *finder) edit() tea.Cmd {
	p.look.mode = listMode
	p.box.typing = true
	p.box.histAt = -1
	p.box.input.Set(p.ask.query.Source)
	p.box.input.Focus()
	return nil
}

// typeQuery takes a key of the query box.
func (p *finder) typeQuery(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		p.box.typing = false
		return tea.Batch(p.box.remember(p.box.input.Value()), p.search(p.box.input.Value()))
	case "esc":
		p.box.typing = false
		if p.box.input.Value() == "" {
			return nil
		}
		p.box.input.Set("")
		return p.search("")
	case "up", "ctrl+p":
		return p.recall(1)
	case "down", "ctrl+n":
		return p.recall(-1)
	case "pgup":
		return p.feed.move(-p.list.listHeight())
	case "pgdown":
		return p.feed.move(p.list.listHeight())
	}
	before := p.box.input.Value()
	p.box.input.Key(k)
	if p.box.input.Value() == before {
		return nil
	}
	return page.After(p.look.env.Ctx, pause, page.Msg{To: ID, Body: typedMsg{p.box.typed.Next()}})
}

// recall brings back an earlier query, then the saved ones.
func (p *finder) recall(step int) tea.Cmd {
	var all []string
	for i := len(p.box.history) - 1; i >= 0; i-- {
		all = append(all, p.box.history[i])
	}
	for _, s := range p.look.o.Searches {
		all = append(all, s.Query)
	}
	at := p.box.histAt + step
	if at >= len(all) || at < -1 {
		return nil
	}
	p.box.histAt = at
	text := ""
	if at >= 0 {
		text = all[at]
	}
	p.box.input.Set(text)
	return p.search(text)
}

const maxHistory = 100

// remember puts a query into the history, which is kept for the next time.
func (p *box) remember(text string) tea.Cmd {
	if strings.TrimSpace(text) == "" || len(p.history) > 0 && p.history[len(p.history)-1] == text {
		return nil
	}
	p.history = append(slices.DeleteFunc(slices.Clone(p.history), func(old string) bool { return old == text }), text)
	if len(p.history) > maxHistory {
		p.history = p.history[1:]
	}
	save := p.look.o.SaveHistory
	all := slices.Clone(p.history)
	if save == nil {
		return nil
	}
	return func() tea.Msg {
		if err := save(all); err != nil {
			return page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("the search history cannot be saved: %s", lang.Raw(err.Error())),
			}
		}
		return nil
	}
}

// pickSearch lists the saved searches and the earlier ones.
func (p *finder) pickSearch() tea.Cmd {
	var items []widget.Item
	var queries []string
	for _, s := range p.look.o.Searches {
		items = append(items, widget.Item{Name: s.Name, Detail: s.Query})
		queries = append(queries, s.Query)
	}
	for _, text := range slices.Backward(p.box.history) {
		items = append(items, widget.Item{Name: text})
		queries = append(queries, text)
	}
	return page.Send(page.Open{Overlay: widget.NewPick(p.look.env, lang.M("Searches"), items, func(i int) tea.Cmd {
		p.box.input.Set(queries[i])
		return tea.Batch(p.box.remember(queries[i]), p.search(queries[i]))
	})})
}

// search looks for what is typed; of a query with an error, for the part that
// is clear.
func (p *finder) search(text string) tea.Cmd {
	q, err := query.ParseQuery(text, p.look.env.Clock.Now().In(p.look.env.Zone))
	if q.Source != p.ask.query.Source {
		p.tighten()
	}
	p.ask.queryErr = nil
	errors.As(err, &p.ask.queryErr)
	p.ask.query = q
	return p.apply()
}

// apply puts the query, with the level that was picked, into force.
func (p *finder) apply() tea.Cmd {
	q := *p.ask.query
	if p.ask.minLevel != logs.LevelUnknown {
		q.LimitLevels(p.ask.minLevel.String() + "+")
		q.Source += " level:" + p.ask.minLevel.String() + "+"
	}
	p.kept.into(&q)
	p.ask.asked = p.ask.worded(q.Events())
	p.feed.seeking = time.Time{}
	p.feed.source.SetQuery(p.ask.asked, p.ask.filter)
	if r, ok := p.list.current(); ok && !p.list.follow && !p.feed.want.set {
		if p.feed.holding == (store.RowID{}) {
			p.feed.holding = r.ID
		}
		p.feed.want = wish{true, store.Place{Row: p.feed.holding}, -1}
	}
	p.feed.gen.Next() // what is under way is for another query
	return tea.Batch(p.feed.load(), p.feed.count(true))
}

// pickLevel goes round the levels: all, info and above, warnings, errors.
func (p *finder) pickLevel() tea.Cmd {
	switch p.ask.minLevel {
	case logs.LevelUnknown:
		p.ask.minLevel = logs.LevelInfo
	case logs.LevelInfo:
		p.ask.minLevel = logs.LevelWarn
	case logs.LevelWarn:
		p.ask.minLevel = logs.LevelError
	default:
		p.ask.minLevel = logs.LevelUnknown
	}
	return p.apply()
}

// arounds are how many events are shown around each hit, from narrow to wide.
var arounds = []int{0, 1, 3, 10, 30, 100}

// widen shows more or fewer events around each hit.
func (p *finder) widen(step int) func() tea.Cmd {
	return func() tea.Cmd {
		at := max(0, min(slices.Index(arounds, p.ask.around)+step, len(arounds)-1))
		p.ask.around = arounds[at]
		p.ask.filter = true
		p.ask.ranked = false
		p.feed.source.SetAround(p.ask.around)
		return p.apply()
	}
}

// toggleOrder lists hits by rank, or by time again.
func (p *finder) toggleOrder() tea.Cmd {
	p.ask.closest = nil
	if p.ask.ranked = !p.ask.ranked; p.ask.ranked {
		p.list.leaveEnd()
		p.list.cur, p.list.top = 0, 0
		return p.apply()
	}
	if r, ok := p.list.current(); ok {
		p.feed.want = wish{true, store.Place{Row: r.ID}, p.list.listHeight() / 3}
	}
	return p.apply()
}

// toggleFilter shows only hits, or all events with the hits marked.
func (p *finder) toggleFilter() tea.Cmd {
	p.ask.filter = !p.ask.filter
	p.ask.ranked = false
	return p.apply()
}

// worded is the query as it is looked for: plain words as typed, unless by their letters.
func (p *asking) worded(q *query.Query) *query.Query {
	if text, ok := q.AsText(); ok && !p.letters {
		return text
	}
	return q
}

// loosen looks for words by their letters where all was read and no line has them as typed;
// the hits whose letters are closest together come first.
func (p *finder) loosen() tea.Cmd {
	s := p.tally.stats
	if !p.ask.asked.Worded || p.ask.queryErr != nil || s.Hits > 0 || s.Pending || s.Done < s.Bytes || s.Bytes == 0 {
		return nil
	}
	follow := p.list.follow
	p.ask.letters = true
	p.ask.ranked = true
	p.ask.closest = &follow
	p.list.leaveEnd()
	p.list.cur, p.list.top = 0, 0
	return p.apply()
}

// tighten looks for words as typed again, and lists hits as before.
func (p *finder) tighten() {
	p.ask.letters = false
	if p.ask.closest != nil {
		p.ask.ranked = false
		p.list.follow = *p.ask.closest
		p.ask.closest = nil
	}
}

// toggleLetters looks for words as typed, or by their letters.
func (p *finder) toggleLetters() tea.Cmd {
	if p.ask.letters {
		p.tighten()
	} else {
		p.ask.letters = true
	}
	return p.apply()
}
