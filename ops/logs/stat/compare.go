package stat

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// varying is what differs between events of one pattern: ids and numbers.
var varying = regexp.MustCompile(
	`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|` +
		`\b(?:[a-fA-F]+[0-9]|[0-9]+[a-fA-F])[0-9a-fA-F]{6,}\b|[0-9]+`)

// patternOf is an event's message with ids and numbers taken out; those that differ in them alone are alike.
func patternOf(e *logs.Event) string {
	first, _, _ := strings.Cut(e.Message, "\n")
	text := varying.ReplaceAllStringFunc(string(line.Visible([]byte(first), nil)), func(v string) string {
		if strings.Trim(v, "0123456789") == "" {
			return "#"
		}
		return "<id>"
	})
	return strings.TrimSpace(text)
}

// Span is a stretch of time, To not included.
type Span struct{ From, To time.Time }

func (s Span) has(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Change is how a pattern's count differs between two spans.
type Change string

// The changes, the most worrying first. More and fewer are at least three times as many, and five.
const (
	New   Change = "new"
	More  Change = "more"
	Gone  Change = "gone"
	Fewer Change = "fewer"
	Same  Change = "same"
)

var changes = []Change{New, More, Gone, Fewer, Same}

func changeOf(good, bad int64) Change {
	switch {
	case good == 0:
		return New
	case bad == 0:
		return Gone
	case bad >= 3*good && bad-good >= 5:
		return More
	case good >= 3*bad && good-bad >= 5:
		return Fewer
	}
	return Same
}

// Pattern is what many events have in common, counted in both spans.
type Pattern struct {
	Text      string
	Level     logs.Level // the most serious among them
	Context   string
	Good, Bad int64
	Change    Change
}

// Comparison is two spans side by side.
type Comparison struct {
	Good, Bad Span
	Events    [2]int64 // in each
	Beyond    int64    // events of patterns that came after maxGroups others
	Patterns  []Pattern
}

// Compare counts patterns in a good span and in a bad one: new ones first, then those that came more
// often, that are gone, and that came less often; within these the most serious and frequent first.
func Compare(
	ctx context.Context,
	scan *index.Scan,
	sources []logs.Source,
	good, bad Span,
) (*Comparison, error) {
	c := &Comparison{Good: good, Bad: bad}
	q := *scan.Query
	q.Since, q.Until = good.From, bad.To
	if bad.From.Before(good.From) {
		q.Since = bad.From
	}
	if good.To.After(bad.To) {
		q.Until = good.To
	}
	s := *scan
	s.Query = &q
	by := map[[2]string]*Pattern{}
	err := each(ctx, &s, sources, func(e *logs.Event) error {
		c.add(by, e)
		return nil
	})
	for _, p := range widened(by) {
		p.Change = changeOf(p.Good, p.Bad)
		c.Patterns = append(c.Patterns, *p)
	}
	slices.SortFunc(c.Patterns, func(a, b Pattern) int {
		return cmp.Or(
			cmp.Compare(slices.Index(changes, a.Change), slices.Index(changes, b.Change)),
			cmp.Compare(b.Level, a.Level),
			cmp.Compare(max(b.Good, b.Bad), max(a.Good, a.Bad)),
			cmp.Compare(a.Context, b.Context),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return c, err
}

func (c *Comparison) add(by map[[2]string]*Pattern, e *logs.Event) {
	good := c.Good.has(e.Time)
	bad := c.Bad.has(e.Time)
	if !good && !bad {
		return
	}
	key := [2]string{e.Context, patternOf(e)}
	p := by[key]
	if p == nil {
		if len(by) >= maxGroups {
			c.Beyond++
			return
		}
		p = &Pattern{Text: key[1], Context: e.Context}
		by[key] = p
	}
	p.Level = max(p.Level, e.Level)
	if good {
		p.Good++
		c.Events[0]++
	}
	if bad {
		p.Bad++
		c.Events[1]++
	}
}

// alikes is how many patterns that differ in one word alone make one pattern, with … for the word: a name.
const alikes = 5

// widened puts patterns together that differ in a name.
func widened(by map[[2]string]*Pattern) []*Pattern {
	groups := map[[2]string][]*Pattern{}
	for key, p := range by {
		words := strings.Fields(key[1])
		for i, w := range words {
			words[i] = "…"
			k := [2]string{key[0], strings.Join(words, " ")}
			groups[k] = append(groups[k], p)
			words[i] = w
		}
	}
	keys := make([][2]string, 0, len(groups))
	for k, list := range groups {
		if len(list) >= alikes {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b [2]string) int {
		return cmp.Or(
			cmp.Compare(len(groups[b]), len(groups[a])),
			strings.Compare(a[0], b[0]),
			strings.Compare(a[1], b[1]),
		)
	})
	taken := map[*Pattern]bool{}
	var out []*Pattern
	for _, k := range keys {
		left := slices.DeleteFunc(groups[k], func(p *Pattern) bool { return taken[p] })
		if len(left) < alikes {
			continue
		}
		whole := &Pattern{Text: k[1], Context: k[0]}
		for _, p := range left {
			taken[p] = true
			whole.Level = max(whole.Level, p.Level)
			whole.Good += p.Good
			whole.Bad += p.Bad
		}
		out = append(out, whole)
	}
	for _, p := range by {
		if !taken[p] {
			out = append(out, p)
		}
	}
	return out
}
