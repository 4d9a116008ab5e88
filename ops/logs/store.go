package logs

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Store holds the index of a set of logs that may be growing, and one query's
// hits in them. Goroutines of its own index from the newest text backwards and
// look for hits; whoever shows the logs asks for a window of them at any time.
// It is safe for concurrent use.
type Store struct {
	zone    *time.Location
	now     func() time.Time
	table   *Shapes
	changed chan struct{}

	mu      sync.Mutex
	work    *sync.Cond
	feeds   []*feed
	nextSeg int
	query   *Query
	gen     uint64 // of the query
	filter  bool   // rows are hits; else all events, hits are only marked
	within  uint64 // the generation whose hits hold all of the query's, or 0
	cancel  context.CancelFunc
	qctx    context.Context
	added   int64 // events that came since the store was made
	lost    int64 // bytes that were gone before they could be read
	asked   time.Time
	first   time.Duration // from the query to the first screen of hits
	failed  []error
	closed  bool
	wg      sync.WaitGroup
}

// feed is one source: its segments in the order of time.
type feed struct {
	name string
	segs []*Segment
}

// Segment is one text within the store.
type Segment struct {
	store  *Store
	id     int
	name   string
	text   Text
	size   int64 // as far as it may be read
	plain  bool
	probed bool
	live   bool
	blocks []*entry
	first  int         // all blocks from here on are indexed
	same   func() bool // whether text is still what it was, for what is beyond the blocks
	stuck  bool        // it is not: wait for Swap or Remove
	busy   bool
	err    error
}

// entry is a block's place: the block once it is indexed, and the hits in it.
type entry struct {
	off    int64 // of the region, before its start is moved to a head
	blk    *Block
	hits   bitmap
	count  int
	gen    uint64 // of the query that hits belongs to
	within bitmap
	busy   bool
}

// NewStore makes an empty store. Close ends it.
func NewStore(zone *time.Location, now func() time.Time) *Store {
	s := &Store{zone: zone, now: now, table: NewShapes(), changed: make(chan struct{}, 1), query: &Query{}, gen: 1, filter: true}
	s.work = sync.NewCond(&s.mu)
	s.qctx, s.cancel = context.WithCancel(context.Background())
	for range runtime.GOMAXPROCS(0) {
		s.wg.Add(1)
		go s.run()
	}
	return s
}

// Close ends the store's goroutines and closes its texts.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.cancel()
	s.work.Broadcast()
	s.mu.Unlock()
	s.wg.Wait()
	for _, f := range s.feeds {
		for _, g := range f.segs {
			g.text.Close()
		}
	}
}

// Changed is signalled, at most once until it is received, when there is more to
// see.
func (s *Store) Changed() <-chan struct{} { return s.changed }

func (s *Store) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Add adds a text behind those that its source has, or before them all.
func (s *Store) Add(source, name string, text Text, live, before bool) *Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextSeg++
	g := &Segment{store: s, id: s.nextSeg, name: name, text: text, size: text.Size(), live: live}
	for off := int64(0); off < g.size; off += blockBytes {
		g.blocks = append(g.blocks, &entry{off: off})
	}
	g.first = len(g.blocks)
	f := s.feed(source)
	if before {
		f.segs = append([]*Segment{g}, f.segs...)
	} else {
		f.segs = append(f.segs, g)
	}
	s.work.Broadcast()
	s.signal()
	return g
}

func (s *Store) feed(name string) *feed {
	for _, f := range s.feeds {
		if f.name == name {
			return f
		}
	}
	f := &feed{name: name}
	s.feeds = append(s.feeds, f)
	return f
}

// Fail notes what could not be read, to be shown.
func (s *Store) Fail(_ string, err error) {
	s.mu.Lock()
	s.failed = append(s.failed, err)
	if len(s.failed) > 20 {
		s.failed = s.failed[1:]
	}
	s.mu.Unlock()
	s.signal()
}

// Grow tells that the text may be read up to size. same, when not nil, tells
// after reading whether it was that text still that was read.
func (g *Segment) Grow(size int64, same func() bool) {
	s := g.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > g.size {
		g.size, g.same, g.stuck = size, same, false
		s.work.Broadcast()
	}
}

// Finish tells that the text will not grow any more.
func (g *Segment) Finish() {
	g.store.mu.Lock()
	defer g.store.mu.Unlock()
	g.live = false
	g.store.work.Broadcast()
}

// Swap puts the same text from elsewhere in the old one's place, as after a copy
// and a truncation.
func (g *Segment) Swap(text Text) {
	g.store.mu.Lock()
	old := g.text
	g.text, g.same, g.stuck, g.err = text, nil, false, nil
	g.store.mu.Unlock()
	old.Close()
	g.store.signal()
}

// Remove takes a text away whose bytes are gone.
func (g *Segment) Remove() {
	s := g.store
	s.mu.Lock()
	s.lost += g.size
	for _, f := range s.feeds {
		for i, o := range f.segs {
			if o == g {
				f.segs = append(f.segs[:i:i], f.segs[i+1:]...)
				break
			}
		}
	}
	s.mu.Unlock()
	s.signal()
}

// SetQuery looks for something else. What an older query still has to do is
// dropped. With filter false all events stay rows and hits are only marked.
func (s *Store) SetQuery(q *Query, filter bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = filter
	if q.Source == s.query.Source && q.Since.Equal(s.query.Since) && q.Until.Equal(s.query.Until) {
		s.signal()
		return
	}
	if s.within = 0; q.narrows(s.query) && !s.query.Empty() {
		s.within = s.gen
	}
	s.gen++
	s.query = q
	s.cancel()
	s.qctx, s.cancel = context.WithCancel(context.Background())
	s.asked, s.first = time.Now(), 0
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for _, e := range g.blocks {
				if e.within = nil; s.within != 0 && e.gen == s.within && !q.Empty() {
					e.within = e.hits
				}
			}
		}
	}
	s.work.Broadcast()
	s.signal()
}

// narrows tells whether every hit of q is one of old too, by a look at their
// words alone.
func (q *Query) narrows(old *Query) bool {
	if q.HasTests() || old.HasTests() || len(old.Groups) > len(q.Groups) {
		return false
	}
	for i, g := range old.Groups {
		n := q.Groups[i]
		if len(g) != 1 || len(n) != 1 || !n[0].implies(&g[0]) {
			return false
		}
	}
	return true
}

func (t *Term) implies(old *Term) bool {
	if t.Kind != old.Kind || t.Not || old.Not || t.Fold && !old.Fold || t.Kind == TermRegexp {
		return false
	}
	text := t.Text
	if old.Fold {
		text = foldString(text)
	}
	switch t.Kind {
	case TermFuzzy, TermPrefix:
		return len(text) >= len(old.Text) && text[:len(old.Text)] == old.Text
	case TermExact:
		return index(text, old.Text, false) >= 0
	}
	return text == old.Text
}

func foldString(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		out = append(out, foldRune(r))
	}
	return string(out)
}

// run does the store's work until it is closed.
func (s *Store) run() {
	defer s.wg.Done()
	p := NewParser(s.zone, s.now())
	b := newBuilder(s.table, p, false)
	var m *matcher
	var mgen uint64
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		do := s.next()
		if do == nil {
			s.work.Wait()
			continue
		}
		if m == nil || mgen != s.gen {
			m, mgen = newMatcher(s.query, s.table, p), s.gen
		}
		do(b, m, mgen)
		s.signal()
		s.work.Broadcast()
	}
}

// task is some work. It is called with the lock held, and gives it up while it
// reads.
type task func(b *builder, m *matcher, gen uint64)

// next is what is most urgent: text that came, hits of what is indexed, then
// older text; the newest segments first.
func (s *Store) next() task {
	for _, f := range s.feeds {
		for i := len(f.segs) - 1; i >= 0; i-- {
			if g := f.segs[i]; !g.busy && g.grew() {
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
			return nil
		}
	}
}

func (s *Store) nextEval() task {
	if s.query.Empty() {
		return nil
	}
	for _, f := range s.feeds {
		if !matchAll(s.query.Sources, f.name) {
			continue
		}
		for i := len(f.segs) - 1; i >= 0; i-- {
			g := f.segs[i]
			for k := len(g.blocks) - 1; k >= g.first; k-- {
				if e := g.blocks[k]; e.gen != s.gen && !e.busy && e.blk != nil {
					return func(_ *builder, m *matcher, gen uint64) { g.evaluate(e, m, gen) }
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
			return func(b *builder, m *matcher, gen uint64) { g.index(e, b, m, gen) }
		}
	}
	return nil
}

// probe looks whether the lines have times.
func (g *Segment) probe(b *builder, _ *matcher, _ uint64) {
	g.busy = true
	text, size := g.text, g.size
	g.store.mu.Unlock()
	b.plain = false
	plain := looksPlain(b, text, size)
	g.store.mu.Lock()
	g.plain, g.probed, g.busy = plain, true, false
}

// index makes the block of one region.
func (g *Segment) index(e *entry, b *builder, m *matcher, gen uint64) {
	s := g.store
	e.busy = true
	text, end := g.text, g.end()
	b.plain = g.plain
	s.mu.Unlock()
	blk, err := b.region(text, e.off, end)
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
	for g.first > 0 && g.blocks[g.first-1].blk != nil {
		g.first--
	}
	if !s.query.Empty() && gen == s.gen {
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

// region makes the block of the region that begins at off.
func (b *builder) region(r Text, off, size int64) (*Block, error) {
	from, err := b.start(r, off, size)
	to, err2 := b.start(r, off+blockBytes, size)
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	return b.build(r, from, to)
}

// evaluate looks for the query's hits in a block.
func (g *Segment) evaluate(e *entry, m *matcher, gen uint64) {
	s := g.store
	if gen != s.gen {
		return
	}
	e.busy = true
	blk, text, ctx, within := e.blk, g.text, s.qctx, e.within
	s.mu.Unlock()
	m.source = g.name
	hits, err := m.find(ctx, blk, text, 0, within)
	s.mu.Lock()
	e.busy = false
	if ctx.Err() != nil || gen != s.gen || e.blk != blk {
		return
	}
	if err != nil {
		g.err = err
		hits = newBitmap(blk.Lines())
	}
	e.hits, e.count, e.gen, e.within = hits, hits.count(), gen, nil
	if s.first == 0 && e.count > 0 {
		s.first = time.Since(s.asked)
	}
}
