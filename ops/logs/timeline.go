package logs

import (
	"context"
	"time"
)

// Timeline is how many rows fall into each of a number of equal stretches of
// time, by level.
type Timeline struct {
	From, To time.Time
	Counts   [][levelCount]int32
}

// Timeline counts the rows between two times in n stretches. Zero times stand
// for the oldest and the newest row.
func (s *Store) Timeline(ctx context.Context, from, to time.Time, n int) Timeline {
	s.mu.Lock()
	lo, hi := int64(unset), int64(unset)
	if !from.IsZero() {
		lo, hi = from.UnixMilli(), to.UnixMilli()
	}
	var blocks []*Block
	var rows []bitmap
	oldest, newest := int64(unset), int64(unset)
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for k := g.first; k < len(g.blocks); k++ {
				e := g.blocks[k]
				if e.blk == nil || e.blk.sum.FirstMS == unset {
					continue
				}
				if oldest == unset || e.blk.sum.FirstMS < oldest {
					oldest = e.blk.sum.FirstMS
				}
				newest = max(newest, e.blk.sum.LastMS)
				r := e.blk.heads
				if !s.query.Empty() {
					if r = e.hits; e.gen != s.gen {
						continue
					}
				}
				blocks, rows = append(blocks, e.blk), append(rows, r)
			}
		}
	}
	list := s.table.snapshot()
	s.mu.Unlock()
	if lo == unset {
		lo, hi = oldest, newest+1
	}
	t := Timeline{Counts: make([][levelCount]int32, n)}
	if lo == unset || hi <= lo {
		return t
	}
	t.From, t.To = time.UnixMilli(lo).In(s.zone), time.UnixMilli(hi).In(s.zone)
	for i, b := range blocks {
		if b.sum.LastMS >= lo && b.sum.FirstMS < hi {
			t.add(b, rows[i], list, lo, hi)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return t
}

func (t *Timeline) add(b *Block, rows bitmap, list []*Shape, lo, hi int64) {
	n := int64(len(t.Counts))
	head := 0
	for i := rows.next(0); i >= 0; i = rows.next(i + 1) {
		ms := b.times[i]
		if ms < lo || ms >= hi {
			continue
		}
		if b.heads.has(i) {
			head = i
		} else {
			head = b.headOf(i)
		}
		t.Counts[(ms-lo)*n/(hi-lo)][list[b.shapes[head]].Level]++
	}
}
