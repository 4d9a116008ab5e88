package logfile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs/line"
)

// Servers store lines, not events: a filter excludes the continuation lines of what it
// finds. They are fetched without the filter, from the time around the hits.
const (
	eventSpread  = time.Second // maximum time between the lines of an event
	maxStretches = 100         // with more stretches, everything between is read
)

// continues reports whether an entry continues the previous one in its stream.
func (e *entry) continues(p *line.Parser) bool {
	first, _, _ := strings.Cut(e.line, "\n")
	_, kind := p.Parse([]byte(first))
	return kind == line.KindCont
}

// together makes the lines of an event adjacent where several streams are interleaved.
// Entries are in time order.
func together(entries []entry) []entry {
	heads := eventHeads(entries)
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(heads[a], heads[b]) })
	out := make([]entry, len(entries))
	for i, at := range order {
		out[i] = entries[at]
	}
	return out
}

// eventHeads returns for each entry the index of its event's first entry.
func eventHeads(entries []entry) []int {
	p := line.NewParser(time.UTC, time.Now())
	last := map[string]int{}
	heads := make([]int, len(entries))
	for i := range entries {
		e := &entries[i]
		if head, ok := last[e.stream]; ok && e.continues(p) {
			heads[i] = head
			continue
		}
		heads[i], last[e.stream] = i, i
	}
	return heads
}

// stretch is a time range.
type stretch struct{ from, to time.Time }

// spansAround are the time ranges around entries, which are in time order.
func spansAround(entries []entry) (out []stretch) {
	for _, e := range entries {
		at := time.Unix(0, e.ns)
		if n := len(out); n > 0 && !at.Add(-eventSpread).After(out[n-1].to) {
			out[n-1].to = at.Add(eventSpread)
			continue
		}
		out = append(out, stretch{at.Add(-eventSpread), at.Add(eventSpread)})
	}
	if n := len(out); n > maxStretches {
		out = []stretch{{out[0].from, out[n-1].to}}
	}
	return out
}

// between reads every line that the server returns of a time range; errCrowded reports
// that it does not return all.
func (l *server) between(ctx context.Context, s stretch) (all []entry, err error) {
	seen := map[entry]bool{}
	var left error
	for from := s.from; ; {
		page, err := l.page(ctx, Filter{}, from, s.to, false)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if !seen[e] {
				seen[e] = true
				all = append(all, e)
			}
		}
		if len(page) < l.limit() {
			return all, left
		}
		next := time.Unix(0, page[len(page)-1].ns)
		if !next.After(from) {
			left = l.crowded(next)
			next = from.Add(1)
		}
		from = next
	}
}

// whole adds the other lines of the same events to what a filter found, in time order.
// With errCrowded, it adds those that the server returns.
func (l *server) whole(ctx context.Context, found []entry) ([]entry, error) {
	hits := map[entry]bool{}
	for _, e := range found {
		hits[e] = true
	}
	out := slices.Clone(found)
	var left error
	for _, s := range spansAround(found) {
		near, err := l.between(ctx, s)
		if err != nil && !errors.Is(err, errCrowded) {
			return nil, err
		}
		left = cmp.Or(left, err)
		heads := eventHeads(near)
		wanted := map[int]bool{}
		for i, e := range near {
			wanted[heads[i]] = wanted[heads[i]] || hits[e]
		}
		for i, e := range near {
			if wanted[heads[i]] && !hits[e] {
				hits[e] = true
				out = append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int { return cmp.Compare(a.ns, b.ns) })
	return out, left
}
