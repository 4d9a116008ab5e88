package logs

import (
	"io"
	"sync"
)

// giants remembers lines longer than a window, over which many regions lie: the
// block after all of them starts at the same place.
type giants struct {
	mu   sync.Mutex
	list []giantLine
}

type giantLine struct {
	r             io.ReaderAt
	off, line, at int64 // no line begins between off and line; the block starts at at, -1 while unknown
}

func (g *giants) start(r io.ReaderAt, off int64) (int64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.list {
		if l.r == r && off >= l.off && off <= l.line && l.at >= 0 {
			return l.at, true
		}
	}
	return 0, false
}

// lineStart is start for the line alone.
func (g *giants) lineStart(r io.ReaderAt, off int64) (int64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.list {
		if l.r == r && off >= l.off && off <= l.line {
			return l.line, true
		}
	}
	return 0, false
}

func (g *giants) note(r io.ReaderAt, off, line, at int64) {
	if line-off <= windowBytes {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, giantLine{r, off, line, at})
	if len(g.list) > 64 {
		g.list = g.list[1:]
	}
}
