package store

import logindex "opsdeck/ops/logs/index"

// near are the rows of a block where events around hits are shown too.
type near struct {
	key  nearKey
	rows logindex.Bitmap
	n    int
}

// nearKey is what near rows depend on.
type nearKey struct {
	blk          *logindex.Block
	gen          uint64
	hits, around int
	above, below int // events that neighbours' hits reach into the block, at its top and its end
}

// SetAround shows so many events before and after each hit too, of its own
// source, where only hits are shown.
func (s *Store) SetAround(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.around = n
	s.signal()
}

// hitsOnly tells whether rows are the query's hits, with or without what is
// around.
func (v *view) hitsOnly() bool { return v.filter && !v.query.Empty() }

// nearOf are the rows of a block with hits and events around them. The lock is
// held.
func (v *view) nearOf(g *Segment, k int) *near {
	e := g.blocks[k]
	key := nearKey{e.blk, v.gen, e.count, v.around, v.reach(g, k, -1), v.reach(g, k, 1)}
	if e.near == nil || e.near.key != key {
		e.near = &near{key: key, rows: e.around(key)}
		e.near.n = e.near.rows.Count()
	}
	return e.near
}

// reach is how many events hits in the blocks above (step -1) or below reach into
// block k.
func (v *view) reach(g *Segment, k, step int) int {
	left := v.around
	for k += step; left > 0 && k >= g.first && k < len(g.blocks); k += step {
		e := g.blocks[k]
		if e.blk == nil || e.gen != v.gen {
			return 0
		}
		if e.count > 0 {
			return max(0, left-e.margin(step, left))
		}
		left -= int(e.blk.Sum.Events)
	}
	return 0
}

// margin is how many events, up to most, stand behind the last hit's event, or,
// with step 1, before the first hit's.
func (e *entry) margin(step, most int) (n int) {
	b := e.blk
	if step > 0 {
		for i := prev(b.Heads, b.HeadOf(e.hits.Next(0))-1); i >= 0 && n < most; i = prev(b.Heads, i-1) {
			n++
		}
		return n
	}
	last := prev(e.hits, b.Lines()-1)
	for i := b.Heads.Next(last + 1); i >= 0 && n < most; i = b.Heads.Next(i + 1) {
		n++
	}
	return n
}

// around makes the rows: the hits, their events, and those around.
func (e *entry) around(key nearKey) logindex.Bitmap {
	b := e.blk
	rows := append(logindex.Bitmap(nil), e.hits...)
	rows.Grow(b.Lines())
	if e.count == 0 && key.above == 0 && key.below == 0 {
		return rows
	}
	last := -1
	left := key.above // events that are still near the hit above
	for i := b.Heads.Next(0); i >= 0; i = b.Heads.Next(i + 1) {
		last = i
		if e.hitIn(i) {
			left = key.around + 1
		}
		if left > 0 {
			rows.Set(i)
			left--
		}
	}
	left = key.below
	for i := last; i >= 0; i = prev(b.Heads, i-1) {
		if e.hitIn(i) {
			left = key.around + 1
		}
		if left > 0 {
			rows.Set(i)
			left--
		}
	}
	return rows
}

// gapAt tells whether the event before the row's is left out.
func (n *near) gapAt(b *logindex.Block, line int) bool {
	before := prev(b.Heads, line-1)
	return b.Heads.Has(line) && before >= 0 && !n.rows.Has(before)
}
