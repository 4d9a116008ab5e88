package logview

import (
	"slices"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// filterCounts are how many events the kept filters find, each by itself, in all logs that are
// on: counted when it is asked for, one filter after the other.
type filterCounts struct {
	of      map[string]filterCount // by the filter's query
	waiting []string               // queries; the first one is being counted
	gen     page.Gen
}

// filterCount is what one filter found when it was counted.
type filterCount struct {
	events int64
	at     time.Time
	err    error
}

type filterCountMsg struct {
	query string
	count filterCount
	gen   uint64
}

// countFilters counts what each filter finds, anew.
func (k *kept) countFilters() tea.Cmd {
	k.counts.of, k.counts.waiting = map[string]filterCount{}, nil
	for i, f := range k.list {
		if k.ready[i] != nil && !slices.Contains(k.counts.waiting, f.Query) {
			k.counts.waiting = append(k.counts.waiting, f.Query)
		}
	}
	k.counts.gen.Next()
	return k.countNext()
}

// countNext counts what the next filter that waits finds; one that is gone is left out.
func (k *kept) countNext() tea.Cmd {
	for len(k.counts.waiting) > 0 {
		at := slices.IndexFunc(k.list, func(f Filter) bool { return f.Query == k.counts.waiting[0] })
		if at >= 0 && k.ready[at] != nil {
			return k.countFilter(k.list[at].Query, *k.ready[at])
		}
		k.counts.waiting = k.counts.waiting[1:]
	}
	return nil
}

func (k *kept) countFilter(text string, q query.Query) tea.Cmd {
	q.Off = slices.Clone(k.off)
	run := k.look.o.Stat
	ctx := k.look.env.Ctx
	clock := k.look.env.Clock
	zone := k.look.env.Zone
	gen := uint64(k.counts.gen)
	return func() tea.Msg {
		count := filterCount{at: clock.Now()}
		table, err := run(ctx, &q, stat.Ask{Zone: zone})
		if count.err = err; err == nil {
			count.events = table.Events
		}
		return send(filterCountMsg{text, count, gen})
	}
}

// takeCount takes what a filter found. When the panel is closed, the others are not counted.
func (k *kept) takeCount(m filterCountMsg) tea.Cmd {
	if !k.counts.gen.Is(m.gen) || len(k.counts.waiting) == 0 {
		return nil
	}
	k.counts.of[m.query] = m.count
	if k.counts.waiting = k.counts.waiting[1:]; k.look.mode != filterMode {
		k.counts.waiting = nil
	}
	return k.countNext()
}

// countOf says what a filter found and when that was counted; empty where nobody asked.
func (k *kept) countOf(text string) string {
	e := k.look.env
	if slices.Contains(k.counts.waiting, text) {
		return "  " + k.look.ink.dim.Paint(e.T("counting …"))
	}
	c, ok := k.counts.of[text]
	switch {
	case !ok:
		return ""
	case c.err != nil:
		return "  " + k.look.ink.crit.Paint(e.T("cannot be counted: %s", termsafe.Line(c.err.Error())))
	}
	at := c.at.In(e.Zone).Format(time.TimeOnly)
	return "  " + e.T("%s events", human.Count(c.events)) + k.look.ink.dim.Paint(" · "+at)
}

// countAction is the key that counts what the filters find.
func (k *kept) countAction(none func() lang.Msg) page.Action {
	return page.Action{
		ID:    "logs.filtercount",
		Keys:  []string{"n"},
		Label: lang.M("count"),
		Help:  lang.M("count the events that each filter matches on its own"),
		Off: func() lang.Msg {
			if k.look.o.Stat == nil {
				return lang.M("these logs have no statistics")
			}
			return none()
		},
		Run: k.countFilters,
	}
}
