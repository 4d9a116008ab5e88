package store

import (
	"runtime/debug"
	"slices"
	"time"

	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// run does the store's work until it is closed.
func (s *Store) run() {
	defer s.wg.Done()
	p := line.NewParser(s.zone, s.now())
	b := logindex.NewBuilder(s.table, p, false)
	var m *logindex.Matcher
	var mgen uint64
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		do := s.next()
		if do == nil {
			s.rest()
			continue
		}
		if m == nil || mgen != s.view.gen {
			m = logindex.NewMatcher(s.view.query, s.table, p)
			mgen = s.view.gen
		}
		s.working++
		do(b, m, mgen)
		s.working--
		s.signal()
		s.work.Broadcast()
	}
}

// releaseAfter is how many blocks are indexed or searched before memory that this took is given back.
const releaseAfter = 64

// rest waits for work. After much of it, memory that is free goes back to the system first:
// the console stays open for days beside the service. The lock is held.
func (s *Store) rest() {
	if s.fresh < releaseAfter || s.working > 0 {
		s.work.Wait()
		return
	}
	s.fresh = 0
	s.mu.Unlock()
	s.attic.rest()
	debug.FreeOSMemory()
	s.mu.Lock()
}

// task is some work. It is called with the lock held, and gives it up while it
// reads.
type task func(b *logindex.Builder, m *logindex.Matcher, gen uint64)

// next is what is most urgent: text that came, hits of what is indexed, then
// older text; the newest segments first.
func (s *Store) next() task {
	for _, f := range s.feeds {
		for i := len(f.segs) - 1; i >= 0; i-- {
			g := f.segs[i]
			if !g.busy && g.unsure() {
				return g.probeAgain
			}
			if !g.busy && g.grew() {
				return g.extend
			}
		}
	}
	if t := s.nextEval(); t != nil {
		return t
	}
	for depth := 0; ; depth++ {
		more := false
		for _, f := range s.feeds {
			i := len(f.segs) - 1 - depth
			if i < 0 {
				continue
			}
			more = true
			if t := f.segs[i].nextIndex(); t != nil {
				return t
			}
		}
		if !more {
			return s.nextKeep()
		}
	}
}

func (s *Store) nextEval() task {
	if s.view.query.Empty() {
		return nil
	}
	for _, f := range s.feeds {
		if !s.view.query.SourcesMatch(f.name) {
			continue
		}
		for i := len(f.segs) - 1; i >= 0; i-- {
			g := f.segs[i]
			for k := len(g.blocks) - 1; k >= g.first; k-- {
				if e := g.blocks[k]; e.gen != s.view.gen && !e.busy && e.blk != nil {
					return func(_ *logindex.Builder, m *logindex.Matcher, gen uint64) { g.evaluate(e, m, gen) }
				}
			}
		}
	}
	return nil
}

func (g *Segment) nextIndex() task {
	if !g.probed {
		if g.busy {
			return nil
		}
		return g.probe
	}
	if g.err != nil {
		return nil
	}
	for k := min(g.first, len(g.blocks)) - 1; k >= 0 && k >= g.first-8; k-- {
		if e := g.blocks[k]; e.blk == nil && !e.busy {
			return func(b *logindex.Builder, m *logindex.Matcher, gen uint64) { g.index(k, b, m, gen) }
		}
	}
	return nil
}

// probe looks whether the lines have times, and for an index that was kept.
func (g *Segment) probe(b *logindex.Builder, _ *logindex.Matcher, _ uint64) {
	g.busy = true
	s := g.store
	text := g.text
	size := g.size
	of := g.mannerBeside()
	s.mu.Unlock()
	b.Set(logindex.Manner{}, g.text, s.now())
	kept, m := logindex.TakeKept(s.shelf, b, text, size, of)
	s.mu.Lock()
	g.manner = m
	g.looked = size
	g.probed = true
	g.busy = false
	g.spread()
	if kept == nil {
		return
	}
	if g.kept = kept; g.text == text {
		g.saved = kept.Blocks[len(kept.Blocks)-1].End
		g.cut(kept)
	}
}

// unsure tells whether the manner has to be learned again: there was too little to
// tell it by, or another text of the source tells what this one does not.
func (g *Segment) unsure() bool {
	return g.probed && g.err == nil && !g.stuck && (g.anew || g.manner.Thin && g.size > g.looked)
}

// probeAgain learns the manner anew and, where it is another, begins the index anew.
func (g *Segment) probeAgain(b *logindex.Builder, _ *logindex.Matcher, _ uint64) {
	g.busy, g.anew = true, false
	s := g.store
	text := g.text
	size := g.size
	same := g.same
	of := g.mannerBeside()
	s.mu.Unlock()
	b.Set(logindex.Manner{}, g.text, s.now())
	m := logindex.LooksLike(b, text, size, of)
	torn := same != nil && !same()
	s.mu.Lock()
	g.busy = false
	if g.text != text || torn {
		g.looked = size // it is looked at again once it is another or grows
		return
	}
	was := g.manner
	g.manner, g.looked = m, size
	g.spread()
	if !m.Like(was) {
		g.kept.Close()
		g.kept, g.saved = nil, 0
		g.cut(nil)
	}
}

// mannerBeside is what the other texts of a text's source tell, the newest first.
func (g *Segment) mannerBeside() logindex.Manner {
	of := logindex.StyledManner(g.of.style)
	for _, o := range slices.Backward(g.of.segs) {
		if o != g && o.probed {
			of = of.With(o.manner)
		}
	}
	return of
}

// spread has texts of the source that do not tell the order of dates learn it from
// one that does.
func (g *Segment) spread() {
	if !g.manner.Sure {
		return
	}
	for _, o := range g.of.segs {
		o.anew = o.anew || o != g && o.probed && !o.manner.Sure && o.manner.DayFirst != g.manner.DayFirst
	}
}

// index makes the block of one region.
func (g *Segment) index(k int, b *logindex.Builder, m *logindex.Matcher, gen uint64) {
	s, e := g.store, g.blocks[k]
	e.busy = true
	text := g.text
	end := g.end()
	var next *logindex.Region
	nextAt := int64(-1)
	if k+1 < len(g.blocks) {
		beyond := g.blocks[k+1]
		next = &beyond.Region
		if beyond.blk != nil {
			nextAt = beyond.blk.Off
		}
	}
	last := g.live && k+1 == len(g.blocks)
	b.Set(g.manner, g.text, s.now())
	s.mu.Unlock()
	blk, err := b.Region(text, e.Region, next, nextAt, end)
	if err == nil && !last {
		blk = s.attic.put(blk)
	}
	s.mu.Lock()
	e.busy = false
	if g.text != text {
		return // swapped meanwhile: again
	}
	if err != nil {
		g.err = err
		return
	}
	e.blk = blk
	s.fresh++
	for g.first > 0 && g.blocks[g.first-1].blk != nil {
		g.first--
	}
	if g.first == 0 {
		g.kept.Close()
		g.kept = nil
	}
	if !s.view.query.Empty() && gen == s.view.gen && s.view.query.SourcesMatch(g.of.name) {
		g.evaluate(e, m, gen)
	}
}

// end is where the text ended when it was added: what came later is added block
// by block behind.
func (g *Segment) end() int64 {
	if n := len(g.blocks); n > 0 && g.blocks[n-1].blk != nil {
		return g.blocks[n-1].blk.End
	}
	return g.size
}

// evaluate looks for the query's hits in a block.
func (g *Segment) evaluate(e *entry, m *logindex.Matcher, gen uint64) {
	s := g.store
	if gen != s.view.gen {
		return
	}
	e.busy = true
	blk := e.blk
	text := g.text
	ctx := s.qctx
	within := e.within
	manner := g.manner
	s.mu.Unlock()
	m.Source, m.Log = g.name, g.of.name
	m.As(manner)
	hits, err := m.Find(ctx, blk, text, 0, within)
	s.attic.read()
	s.mu.Lock()
	e.busy = false
	s.fresh++
	if ctx.Err() != nil || gen != s.view.gen || e.blk != blk {
		return
	}
	if err != nil {
		g.err = err
		hits = logindex.NewBitmap(blk.Lines())
	}
	e.hits, e.count, e.gen, e.within = hits, hits.Count(), gen, nil
	if s.first == 0 && e.count > 0 {
		s.first = time.Since(s.asked)
	}
}
