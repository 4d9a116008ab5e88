package store

import (
	"context"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// bestSource is a block whose hits will be ranked.
type bestSource struct {
	g    *Segment
	e    *entry
	blk  *logindex.Block
	text logs.Text
	hits logindex.Bitmap
}

// Best returns up to n of the query's hits by rank, of equals the newest first.
// It reads every hit's line, so it may take long; a newer query or ctx ends it.
func (s *Store) Best(ctx context.Context, n int) Window {
	s.mu.Lock()
	sources := s.newestHits()
	q := s.view.query
	gen := s.view.gen
	stop := s.qctx
	s.mu.Unlock()
	best := query.Best[rowAt]{Keep: n}
	m := logindex.NewMatcher(q, s.table, logline.NewParser(s.zone, s.now()))
	for _, b := range sources {
		if ctx.Err() != nil || stop.Err() != nil || best.Full(0) {
			break
		}
		if b.rank(m, &best) != nil {
			continue // gone: its rows say so
		}
	}
	rows := best.Sorted()
	s.mu.Lock()
	w := Window{Stats: s.stats(nil)}
	stale := gen != s.view.gen
	list := s.table.Snapshot()
	s.mu.Unlock()
	if stale {
		return w
	}
	p := logline.NewParser(s.zone, s.now())
	for _, r := range rows {
		s.mu.Lock()
		text, blk := r.g.text, r.e.blk
		r.g.manner.Teach(p)
		s.mu.Unlock()
		row := readRow(r, blk, text, list, p)
		row.Hit = true
		w.Rows = append(w.Rows, row)
	}
	return w
}

// newestHits are the blocks with hits, of all feeds, the newest first. The lock
// is held.
func (s *Store) newestHits() (out []bestSource) {
	for _, f := range s.feeds {
		for i := len(f.segs) - 1; i >= 0; i-- {
			g := f.segs[i]
			for k := len(g.blocks) - 1; k >= g.first; k-- {
				if e := g.blocks[k]; e.blk != nil && e.gen == s.view.gen && e.count > 0 {
					out = append(out, bestSource{g, e, e.blk, g.text, e.hits})
				}
			}
		}
	}
	return out
}

// rank ranks a block's hits, the newest first.
func (b *bestSource) rank(m *logindex.Matcher, best *query.Best[rowAt]) error {
	for i := prev(b.hits, b.blk.Lines()-1); i >= 0; i = prev(b.hits, i-1) {
		off, end := b.blk.LineAt(i)
		line, err := logindex.ReadText(b.text, off, min(end, off+logindex.RowText))
		if err != nil {
			return err
		}
		r := m.Query.Rank(string(logline.Visible([]byte(line), nil)))
		if best.Full(r) {
			continue
		}
		best.Add(r, rowAt{b.g, b.e, i, b.blk.Times.At(i)})
	}
	return nil
}
