package store

import (
	"errors"
	"io"
	"sync/atomic"

	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
)

// When an index is kept.
const (
	keepAgain = 16 * logindex.BlockBytes // while it is open
	keepMost  = 128 << 20                // bytes of one index: of more, the newest blocks
	perLine   = 6                        // bytes of a kept line, about
)

// Keep takes and puts indexes from and on a shelf. It is called before Add.
func (s *Store) Keep(shelf logindex.Shelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf = shelf
}

// PutAway has the lines of older blocks put into an attic. It is called before Add.
func (s *Store) PutAway(a logindex.Attic) { s.attic.of = a }

// When blocks are put into the attic, and how many are read until it rests.
const (
	atticFrom = 4 << 20 // bytes of the newest ones that stay in memory
	atticRest = 64
)

// attic is where older blocks are put, if of is not nil.
type attic struct {
	of   logindex.Attic
	held atomic.Int64 // bytes of those that were not
	seen atomic.Int64
}

// put puts a block away that will not grow, once there are more of them, and returns what takes
// its place.
func (a *attic) put(blk *logindex.Block) *logindex.Block {
	if a.of == nil {
		return blk
	}
	if a.held.Load() > atticFrom {
		if away, ok := blk.PutAway(a.of); ok {
			return away
		}
	}
	a.held.Add(blk.Held())
	return blk
}

// read notes that a block was read.
func (a *attic) read() {
	if a.of != nil && a.seen.Add(1)%atticRest == 0 {
		a.of.Rest()
	}
}

func (a *attic) rest() {
	if a.of != nil {
		a.of.Rest()
	}
}

// Style tells the store the styles of its sources by their names, for each always the
// same one. It is called before Add.
func (s *Store) Style(of func(source string) *logline.Style) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.styles = of
}

// nextKeep is the keeping of an index that is whole, once enough is new in it.
func (s *Store) nextKeep() task {
	if s.shelf == nil {
		return nil
	}
	for _, f := range s.feeds {
		for _, g := range f.segs {
			if g.worthKeeping(keepAgain) || g.worthKeeping(logindex.KeepFrom) && g.saved == 0 {
				return func(*logindex.Builder, *logindex.Matcher, uint64) {
					g.keep(func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.closed })
				}
			}
		}
	}
	return nil
}

// worthKeeping tells whether the index is whole and so much text is new in it.
func (g *Segment) worthKeeping(fresh int64) bool {
	if !g.probed || g.err != nil || g.stuck || g.keeping || g.first > 0 || len(g.blocks) == 0 {
		return false
	}
	n := g.keepable()
	return n > 0 && g.blocks[n-1].blk.End-g.saved >= fresh
}

// keepable is how many blocks, from the first, will not change any more.
func (g *Segment) keepable() int {
	n := len(g.blocks)
	if g.live {
		n--
	}
	return n
}

// keep puts the index on the shelf. The lock is held, and given up meanwhile.
func (g *Segment) keep(stop func() bool) {
	s := g.store
	g.keeping = true
	var blocks []*logindex.Block
	room := int64(keepMost)
	for k := g.keepable() - 1; k >= 0 && room > 0; k-- {
		b := g.blocks[k].blk
		room -= int64(b.Lines()) * perLine
		if b.End > b.Off {
			blocks = append([]*logindex.Block{b}, blocks...)
		}
	}
	text, m := g.text, g.manner
	s.mu.Unlock()
	end := int64(0)
	var err error
	if len(blocks) > 0 {
		k := logindex.Keeper{Text: text, Table: s.table, Blocks: blocks, Stop: stop}
		end = blocks[len(blocks)-1].End
		err = s.shelf.Put(text, func(w io.Writer) error { return k.Write(w, m) })
		s.attic.rest()
	}
	s.mu.Lock()
	g.keeping = false
	switch {
	case err == nil:
		g.saved = end
	case !errors.Is(err, logindex.ErrClosed):
		g.saved = 1 << 62 // it cannot be kept: the next start reads the text again
	}
}

// keepRest puts on the shelf what is worth it, at the end.
func (s *Store) keepRest() {
	if s.shelf == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		for _, g := range f.segs {
			if g.worthKeeping(logindex.KeepFrom) {
				g.keep(func() bool { return false })
			}
		}
	}
}
