package store

import (
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Mark is what a jump looks for.
type Mark uint8

// The marks.
const (
	MarkHit      Mark = iota // an event with a hit of the query
	MarkCritical             // an error that needs a person at once
	MarkSlow                 // an operation that took SlowMS or more
	MarkError                // an error or worse
)

// Next finds the next event with the mark after a row, or, with down false, the
// last one before it. Where the row is not known any more it begins at the end.
func (s *Store) Next(from RowID, mark Mark, down bool) (RowID, bool) {
	s.mu.Lock()
	spots := s.feeds.spots(Place{Row: from})
	j := jump{view: &s.view, list: s.table.Snapshot(), from: from, mark: mark, down: down}
	var best RowID
	bestKey := int64(0)
	found := false
	for i := range spots {
		id, key, ok := j.in(spots[i])
		if ok && (!found || down && key < bestKey || !down && key >= bestKey) {
			best = id
			bestKey = key
			found = true
		}
	}
	s.mu.Unlock()
	return best, found
}

// jump is a search for the next event with a mark.
type jump struct {
	view *view
	list []*line.Shape
	from RowID
	mark Mark
	down bool
}

// in looks through one feed.
func (j *jump) in(p spot) (id RowID, key int64, ok bool) {
	for p.seg >= 0 && p.seg < len(p.f.segs) {
		g := p.f.segs[p.seg]
		for p.blk >= g.first && p.blk < len(g.blocks) {
			e := g.blocks[p.blk]
			if e.blk != nil {
				if i := j.inBlock(g, e, p.line); i >= 0 {
					off, _ := e.blk.LineAt(i)
					return RowID{g.id, off}, e.blk.Key(i), true
				}
			}
			if j.down {
				p.blk, p.line = p.blk+1, 0
			} else {
				p.blk, p.line = p.blk-1, 1<<30
			}
		}
		if j.down {
			if p.seg++; p.seg < len(p.f.segs) {
				p.blk, p.line = p.f.segs[p.seg].first, 0
			}
			continue
		}
		if p.blk >= len(g.blocks) && p.blk > 0 {
			p.blk = len(g.blocks) - 1
			p.line = 1 << 30
			continue
		}
		if p.seg--; p.seg >= 0 {
			p.blk = len(p.f.segs[p.seg].blocks) - 1
			p.line = 1 << 30
		}
	}
	return id, 0, false
}

// inBlock finds a head with the mark in a block, from a line on or before it.
func (j *jump) inBlock(g *Segment, e *entry, line int) int {
	b := e.blk
	if j.mark == MarkCritical && b.Sum.Critical == 0 || j.mark == MarkSlow && b.Sum.Slow == 0 {
		return -1
	}
	v := j.view
	has := func(i int) bool {
		off, _ := b.LineAt(i)
		if g.id == j.from.Seg && off == j.from.Off {
			return false
		}
		if v.hitsOnly() && v.query.Filtered() && !(e.gen == v.gen && e.hitIn(i)) {
			return false // a kept filter leaves it out
		}
		switch shape := j.list[b.Shapes.At(i)]; j.mark {
		case MarkHit:
			return e.gen == v.gen && e.hitIn(i)
		case MarkCritical:
			return b.CriticalAt(i, j.list, g.text)
		case MarkError:
			return shape.Level >= logs.LevelError
		default:
			return b.SlowAt(i, j.list, g.text)
		}
	}
	if j.down {
		for i := b.Heads.Next(line); i >= 0; i = b.Heads.Next(i + 1) {
			if has(i) {
				return i
			}
		}
		return -1
	}
	for i := prev(b.Heads, min(line, b.Lines())-1); i >= 0; i = prev(b.Heads, i-1) {
		if has(i) {
			return i
		}
	}
	return -1
}
