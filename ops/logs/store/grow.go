package store

import (
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// grew tells whether there is text behind the last block that can be indexed.
func (g *Segment) grew() bool {
	if !g.probed || g.err != nil || g.stuck {
		return false
	}
	n := len(g.blocks)
	if n == 0 {
		return g.size > 0
	}
	last := g.blocks[n-1].blk
	return last != nil && (g.size > last.End || last.Partial && !g.live && last.End < g.size)
}

// extend indexes what came since. The block before is not changed, for it may
// be in use: a new one takes its place, with room shared.
func (g *Segment) extend(b *logindex.Builder, m *logindex.Matcher, gen uint64) {
	s := g.store
	g.busy = true
	text := g.text
	size := g.size
	same := g.same
	var old *entry
	var blk logindex.Block
	if n := len(g.blocks); n > 0 {
		old = g.blocks[n-1]
		blk = old.blk.Growing()
	} else {
		blk.Sum.FirstMS, blk.Sum.LastMS = line.Unset, line.Unset
	}
	b.Set(g.manner, text, s.now())
	s.mu.Unlock()
	fresh, events, err := b.Grow(&blk, text, size)
	grown := &blk
	if n := len(fresh); n > 0 && err == nil { // those before the last one are whole
		grown = s.attic.put(grown)
		for i := range fresh[:n-1] {
			fresh[i] = s.attic.put(fresh[i])
		}
	}
	torn := same != nil && !same()
	s.mu.Lock()
	g.busy = false
	if g.text != text && (err != nil || torn) {
		return // swapped meanwhile: again
	}
	if torn {
		g.stuck = true
		return
	}
	if err != nil {
		g.err = err
		return
	}
	s.added += events
	e := old
	if old == nil {
		e = &entry{Region: logindex.Region{Off: blk.Off}}
		g.blocks = append(g.blocks, e)
	}
	from := 0
	if e.blk != nil {
		if from = min(e.blk.Lines(), blk.Lines()); e.blk.Partial {
			from-- // its last line has changed
		}
	}
	done := e.gen == s.view.gen && !e.busy
	prior := e.hits
	e.blk = grown
	for _, f := range fresh {
		g.blocks = append(g.blocks, &entry{Region: logindex.Region{Off: f.Off}, blk: f})
	}
	g.evaluateNew(e, from, prior, done, m, gen)
}

// evaluateNew looks for hits in a block's new lines alone, where its older ones
// have been looked at.
func (g *Segment) evaluateNew(e *entry, from int, prior logindex.Bitmap, done bool, m *logindex.Matcher, gen uint64) {
	s := g.store
	if s.view.query.Empty() || gen != s.view.gen {
		return
	}
	if !done {
		e.gen = 0
		return
	}
	blk := e.blk
	text := g.text
	ctx := s.qctx
	manner := g.manner
	from = blk.HeadOf(max(0, min(from, blk.Lines()-1)))
	g.busy, e.busy = true, true
	s.mu.Unlock()
	m.Source, m.Log = g.name, g.of.name
	m.As(manner)
	hits, err := m.Find(ctx, blk, text, from, nil)
	s.mu.Lock()
	g.busy, e.busy = false, false
	if err != nil || gen != s.view.gen {
		e.gen = 0
		return
	}
	for i := prior.Next(0); i >= 0 && i < from; i = prior.Next(i + 1) {
		hits.Set(i)
	}
	e.hits, e.count, e.gen = hits, hits.Count(), gen
}
