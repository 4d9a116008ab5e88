package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// bestKept is how many hits --rank keeps when no --limit says.
const bestKept = 100_000

// best prints the hits that fit the query best, the very best first.
func (r *logsRun) best(ctx context.Context, sources []logs.Source) error {
	limit := r.cmd.Limit
	if limit == 0 {
		limit = bestKept
		if isTerminal(r.app.out) {
			limit = bareLimit
		}
	}
	best := query.Best[index.Hit]{Keep: limit}
	r.scan.Newest = true // of equals the newest first
	r.scan.Last = func() error { return r.printBest(best.Sorted()) }
	return r.scan.Each(ctx, sources, func(h *index.Hit) error {
		line, err := h.Text()
		if err != nil {
			return err
		}
		r.hits++
		best.Add(r.query.Rank(line), *h)
		return nil
	})
}

func (r *logsRun) printBest(hits []index.Hit) error {
	r.scan.Newest = false // lines around a hit stand in their own order
	for i := range hits {
		r.last = index.Hit{} // each is an event of its own
		print := r.printer()
		if err := print(&hits[i]); err != nil {
			return err
		}
		if before, after := r.cmd.context(); r.cmd.JSON && before+after > 0 {
			if err := r.scan.Last(); err != nil {
				return err
			}
		}
		if before, after := r.cmd.context(); !r.cmd.JSON && before+after > 0 && i+1 < len(hits) {
			r.out.WriteString("--\n")
		}
	}
	if n := r.hits - int64(len(hits)); n > 0 && r.cmd.Limit == 0 {
		r.app.note(lang.M("the best %d of %d hits; --limit N for more", len(hits), r.hits))
	}
	return nil
}
