// Package store holds the index of logs that are shown and may grow, and one query's hits in them.
package store

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// Store holds the index of a set of logs that may be growing, and one query's
// hits in them. Goroutines of its own index from the newest text backwards and
// look for hits; whoever shows the logs asks for a window of them at any time.
// It is safe for concurrent use.
type Store struct {
	zone    *time.Location
	now     func() time.Time
	table   *line.Shapes
	changed chan struct{}

	mu      sync.Mutex
	work    *sync.Cond
	feeds   feeds
	nextSeg int
	view    view
	cancel  context.CancelFunc
	qctx    context.Context
	added   int64 // events that came since the store was made
	fresh   int   // blocks indexed or searched since memory was given back
	working int   // goroutines that do a task
	lost    int64 // bytes that were gone before they could be read
	asked   time.Time
	first   time.Duration // from the query to the first screen of hits
	failed  []failure
	dropped int64 // lines that a server left out
	hooks   map[int]func(*query.Query)
	shelf   logindex.Shelf
	attic   attic
	styles  func(source string) *line.Style
	closed  bool
	wg      sync.WaitGroup
}

// view is what is asked for and so which lines are rows.
type view struct {
	query  *query.Query
	gen    uint64 // of the query
	filter bool   // rows are hits; else all events, hits are only marked
	around int    // events shown before and after each hit
	within uint64 // the generation whose hits hold all of the query's, or 0
}

// feeds are the sources, in the order in which they were added.
type feeds []*feed

// feed is one source: its segments in the order of time.
type feed struct {
	name  string
	style *line.Style // of its lines, by the configuration
	segs  []*Segment
}

// Segment is one text within the store.
type Segment struct {
	store  *Store
	of     *feed
	id     int
	name   string
	text   logs.Text
	size   int64 // as far as it may be read
	manner logindex.Manner
	probed bool
	looked int64 // of the text, when its manner was learned
	anew   bool  // another text of the source tells the order of dates
	live   bool
	blocks []*entry
	first  int         // all blocks from here on are indexed
	same   func() bool // whether text is still what it was, for what is beyond the blocks
	stuck  bool        // it is not: wait for Swap or Remove
	busy   bool
	err    error

	kept    *logindex.Kept
	saved   int64 // of the text, in the index on the shelf
	keeping bool
}

// entry is a block's place: the block once it is indexed, and the hits in it.
type entry struct {
	logindex.Region
	blk    *logindex.Block
	hits   logindex.Bitmap
	count  int
	gen    uint64 // of the query that hits belongs to
	within logindex.Bitmap
	near   *near
	bars   *bars // of the rows, for the timeline
	busy   bool
}

// NewStore makes an empty store. Close ends it.
func NewStore(zone *time.Location, now func() time.Time) *Store {
	s := &Store{
		zone:    zone,
		now:     now,
		table:   line.NewShapes(),
		changed: make(chan struct{}, 1),
		view:    view{query: &query.Query{}, gen: 1, filter: true},
	}
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
	s.keepRest()
	for _, f := range s.feeds {
		for _, g := range f.segs {
			g.kept.Close()
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
func (s *Store) Add(source, name string, text logs.Text, live, before bool) *Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextSeg++
	g := &Segment{store: s, id: s.nextSeg, name: name, text: text, size: text.Size(), live: live}
	g.cut(nil)
	f := s.feed(source)
	g.of = f
	if before {
		f.segs = append([]*Segment{g}, f.segs...)
	} else {
		f.segs = append(f.segs, g)
	}
	s.work.Broadcast()
	s.signal()
	return g
}

// cut makes a place for every block, none of which is indexed yet.
func (g *Segment) cut(k *logindex.Kept) {
	g.blocks = nil
	for _, r := range logindex.RegionsOf(g.size, k) {
		g.blocks = append(g.blocks, &entry{Region: r})
	}
	g.first = len(g.blocks)
}

func (s *Store) feed(name string) *feed {
	for _, f := range s.feeds {
		if f.name == name {
			return f
		}
	}
	f := &feed{name: name}
	if s.styles != nil {
		f.style = s.styles(name)
	}
	s.feeds = append(s.feeds, f)
	return f
}

// failure is what could not be read of a source, "" for all of them.
type failure struct {
	of  string
	err error
}

// Fail notes what could not be read of a source, to be shown; nil takes back what was
// noted of it. What is noted already is not noted again.
func (s *Store) Fail(of string, err error) {
	s.mu.Lock()
	s.failed = slices.DeleteFunc(s.failed, func(f failure) bool {
		return f.of == of && (err == nil || f.err.Error() == err.Error())
	})
	if err != nil {
		s.failed = append(s.failed, failure{of, err})
	}
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
		g.size = size
		g.same = same
		g.stuck = false
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
func (g *Segment) Swap(text logs.Text) {
	g.store.mu.Lock()
	old := g.text
	g.text = text
	g.same = nil
	g.stuck = false
	g.err = nil
	g.store.mu.Unlock()
	old.Close()
	g.store.signal()
}

// Remove takes a text away whose bytes are gone.
func (g *Segment) Remove() {
	s := g.store
	s.mu.Lock()
	g.kept.Close()
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

// Discard takes a text away that is not wanted any more.
func (g *Segment) Discard() {
	g.Remove()
	g.store.mu.Lock()
	g.store.lost -= g.size
	g.store.mu.Unlock()
}

// Drop notes that a server left lines out.
func (s *Store) Drop(n int64) {
	s.mu.Lock()
	s.dropped += n
	s.mu.Unlock()
	s.signal()
}

// OnQuery calls do with the query that is asked now and each that is asked from
// then on, until stop. do must not wait, nor call the store.
func (s *Store) OnQuery(do func(*query.Query)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks == nil {
		s.hooks = map[int]func(*query.Query){}
	}
	s.nextSeg++
	id := s.nextSeg
	s.hooks[id] = do
	do(s.view.query)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hooks, id)
	}
}

// SetQuery looks for something else. What an older query still has to do is
// dropped. With filter false all events stay rows and hits are only marked.
func (s *Store) SetQuery(q *query.Query, filter bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.filter = filter
	if q.Same(s.view.query) && q.Since.Equal(s.view.query.Since) && q.Until.Equal(s.view.query.Until) {
		s.signal()
		return
	}
	if s.view.within = 0; q.Narrows(s.view.query) && !s.view.query.Empty() {
		s.view.within = s.view.gen
	}
	s.view.gen++
	s.view.query = q
	s.cancel()
	s.qctx, s.cancel = context.WithCancel(context.Background())
	s.asked = time.Now()
	s.first = 0
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for _, e := range g.blocks {
				if e.within = nil; s.view.within != 0 && e.gen == s.view.within && !q.Empty() {
					e.within = e.hits
				}
			}
		}
	}
	for _, do := range s.hooks {
		do(q)
	}
	s.work.Broadcast()
	s.signal()
}
