package logfile

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs/line"
)

// Loki holds lines, not events: a filter leaves out the lines that continue what
// it finds. They are fetched without the filter, from around what was found.
const (
	lokiAround  = time.Second // the lines of an event come that close to each other
	lokiWindows = 100         // of more places to look at, all between is read
)

// continues tells whether an entry belongs to the one before it in its stream.
func (e *lokiEntry) continues(p *line.Parser) bool {
	first, _, _ := strings.Cut(e.line, "\n")
	_, kind := p.Parse([]byte(first))
	return kind == line.KindCont
}

// together puts the lines of an event behind each other where several streams are
// mixed. Entries come in the order of time.
func together(entries []lokiEntry) []lokiEntry {
	heads := eventHeads(entries)
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(heads[a], heads[b]) })
	out := make([]lokiEntry, len(entries))
	for i, at := range order {
		out[i] = entries[at]
	}
	return out
}

// eventHeads tells for each entry which one its event begins with.
func eventHeads(entries []lokiEntry) []int {
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

// lokiSpan is a stretch of time.
type lokiSpan struct{ from, to time.Time }

// spansAround are the times around entries, which come in the order of time.
func spansAround(entries []lokiEntry) (out []lokiSpan) {
	for _, e := range entries {
		at := time.Unix(0, e.ns)
		if n := len(out); n > 0 && !at.Add(-lokiAround).After(out[n-1].to) {
			out[n-1].to = at.Add(lokiAround)
			continue
		}
		out = append(out, lokiSpan{at.Add(-lokiAround), at.Add(lokiAround)})
	}
	if n := len(out); n > lokiWindows {
		out = []lokiSpan{{out[0].from, out[n-1].to}}
	}
	return out
}

// between reads every line of a stretch of time.
func (l *loki) between(ctx context.Context, s lokiSpan) (all []lokiEntry, err error) {
	seen := map[lokiEntry]bool{}
	for from := s.from; ; {
		page, err := l.page(ctx, l.selector, from, s.to, "forward")
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if !seen[e] {
				seen[e] = true
				all = append(all, e)
			}
		}
		if len(page) < lokiLimit {
			return all, nil
		}
		next := time.Unix(0, page[len(page)-1].ns)
		if !next.After(from) { // a moment with more lines than a page: Loki gives no more of it
			next = from.Add(1)
		}
		from = next
	}
}

// whole adds to what a filter found, in the order of time, the other lines of the
// same events.
func (l *loki) whole(ctx context.Context, found []lokiEntry) ([]lokiEntry, error) {
	hits := map[lokiEntry]bool{}
	for _, e := range found {
		hits[e] = true
	}
	out := slices.Clone(found)
	for _, s := range spansAround(found) {
		near, err := l.between(ctx, s)
		if err != nil {
			return nil, err
		}
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
	slices.SortStableFunc(out, func(a, b lokiEntry) int { return cmp.Compare(a.ns, b.ns) })
	return out, nil
}
