package logview

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// What a kept filter does with the events that it finds.
const (
	FilterIn   = "in"   // shows them; with several, those of any
	FilterOut  = "out"  // leaves them out
	FilterMark = "mark" // highlights them
)

// Filter is a query that is kept while one searches for this and that, and switched on and off.
type Filter struct {
	Query  string `json:"query"`
	Does   string `json:"does"`
	Colour string `json:"colour,omitempty"` // of theme.MarkColours, for a highlight
	On     bool   `json:"on"`
	Rule   bool   `json:"-"` // of the configuration: it is switched, not changed
}

// kept are the filters that stay, and the logs that are switched off.
type kept struct {
	look    *look
	ask     *asking
	box     *box
	feed    *feed
	finder  *finder
	session *session
	list    []Filter
	ready   []*query.Query // of list, by place; nil while one cannot be read
	off     []string       // names of sources
	scroll  widget.Scroll
	counts  filterCounts
}

// read makes a filter's query: plain words as they were typed.
func readFilter(text string, now time.Time) (*query.Query, error) {
	q, err := query.ParseQuery(text, now)
	if err != nil {
		return nil, err
	}
	q = q.Events()
	if worded, ok := q.AsText(); ok {
		q = worded
	}
	return q, nil
}

// set takes another list of filters.
func (k *kept) set(list []Filter) {
	k.list, k.ready = list, make([]*query.Query, len(list))
	now := k.look.env.Clock.Now().In(k.look.env.Zone)
	for i, f := range list {
		if q, err := readFilter(f.Query, now); err == nil {
			k.ready[i] = q
		}
	}
}

// into adds the filters that are on to a query.
func (k *kept) into(q *query.Query) {
	q.Any, q.None, q.Off = nil, nil, slices.Clone(k.off)
	for i, f := range k.list {
		switch {
		case !f.On || k.ready[i] == nil:
		case f.Does == FilterIn:
			q.Any = append(q.Any, k.ready[i])
		case f.Does == FilterOut:
			q.None = append(q.None, k.ready[i])
		}
	}
}

// bare is the query for all events: with logs that are off left out still.
func (k *kept) bare() query.Query { return query.Query{Off: slices.Clone(k.off)} }

// words say which filters leave events out, for the head; mostly nothing.
func (k *kept) words() string {
	count := map[string]int{}
	for i, f := range k.list {
		if f.On && k.ready[i] != nil {
			count[f.Does]++
		}
	}
	var words []string
	add := func(n int, m lang.Msg) {
		if n > 0 {
			words = append(words, k.look.env.Lang.Msg(m))
		}
	}
	add(count[FilterIn], lang.M("%d in", count[FilterIn]))
	add(count[FilterOut], lang.M("%d out", count[FilterOut]))
	add(len(k.off), lang.M("%d logs off", len(k.off)))
	if len(words) == 0 {
		return ""
	}
	return " [" + strings.Join(words, ", ") + "]"
}

// markOf is the first highlight that an event has, or -1.
func (k *kept) markOf(e *logs.Event) int {
	for i, f := range k.list {
		if f.On && f.Does == FilterMark && k.ready[i] != nil && finds(k.ready[i], e) {
			return i
		}
	}
	return -1
}

// finds tells whether a query finds an event, by the line that is shown.
func finds(q *query.Query, e *logs.Event) bool {
	seen := line.Visible([]byte(e.Raw), nil)
	if !q.MatchEvent(e, seen) {
		return false
	}
	first, _, _ := strings.Cut(string(seen), "\n")
	return !q.HasText() || q.MatchLine(first)
}

// sign is the mark of a highlight beside its rows: its number in the panel.
func (k *kept) sign(i int) string {
	if i < 9 {
		return strconv.Itoa(i + 1)
	}
	return "*"
}

// ink is the colour of a highlight.
func (k *kept) ink(i int) widget.Ink {
	marks := k.look.env.Theme.Marks
	at := max(0, slices.Index(theme.MarkColours, k.list[i].Colour))
	return widget.NewInk(marks[at%len(marks)])
}
