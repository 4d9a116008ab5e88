package line

import (
	"io"
	"sync"
)

// Giants stores the lines that are longer than a window and span many regions: for all
// those regions, the next block starts at the same offset.
type Giants struct {
	mu   sync.Mutex
	list []giantLine
}

type giantLine struct {
	r             io.ReaderAt
	off, line, at int64 // no line begins between off and line; the block starts at at, -1 when unknown
}

// Start returns where the block that begins at off starts, if a giant line covers off.
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

// LineStart is Start for the line only.
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

// Note records that no line begins between off and line, and where the block starts.
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
