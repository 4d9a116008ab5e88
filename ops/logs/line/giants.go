package line

import (
	"io"
	"sync"
)

// Giants remembers lines longer than a window, over which many regions lie: the
// block after all of them starts at the same place.
type Giants struct {
	mu   sync.Mutex
	list []giantLine
}

type giantLine struct {
	r             io.ReaderAt
	off, line, at int64 // no line begins between off and line; the block starts at at, -1 while unknown
}

// Start returns where the block that begins at off starts, where a giant line covers off.
func (g *Giants) Start(r io.ReaderAt, off int64) (int64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.list {
		if l.r == r && off >= l.off && off <= l.line && l.at >= 0 {
			return l.at, true
		}
	}
	return 0, false
}

// LineStart is start for the line alone.
func (g *Giants) LineStart(r io.ReaderAt, off int64) (int64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.list {
		if l.r == r && off >= l.off && off <= l.line {
			return l.line, true
		}
	}
	return 0, false
}

// Note remembers that no line begins between off and line, and where the block starts.
func (g *Giants) Note(r io.ReaderAt, off, line, at int64) {
	if line-off <= WindowBytes {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, giantLine{r, off, line, at})
	if len(g.list) > 64 {
		g.list = g.list[1:]
	}
}
