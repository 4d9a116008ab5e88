package store

import (
	"context"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// Timeline is how many rows fall into each of a number of equal stretches of
// time, by level.
type Timeline struct {
	From, To time.Time
	Counts   [][logs.LevelCount]int32
}

// Timeline counts the rows between two times in n stretches. Zero times stand
// for the oldest and the newest row.
func (s *Store) Timeline(ctx context.Context, from, to time.Time, n int) Timeline {
	s.mu.Lock()
	lo := int64(line.Unset)
	hi := int64(line.Unset)
	if !from.IsZero() {
		lo, hi = from.UnixMilli(), to.UnixMilli()
	}
	var blocks []*logindex.Block
	var rows []logindex.Bitmap
	oldest := int64(line.Unset)
	newest := int64(line.Unset)
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for k := g.first; k < len(g.blocks); k++ {
				e := g.blocks[k]
				if e.blk == nil || e.blk.Sum.FirstMS == line.Unset {
					continue
				}
				if oldest == line.Unset || e.blk.Sum.FirstMS < oldest {
					oldest = e.blk.Sum.FirstMS
				}
				newest = max(newest, e.blk.Sum.LastMS)
				r := e.blk.Heads
				if !s.view.query.Empty() {
					if r = e.hits; e.gen != s.view.gen {
						continue
					}
				}
				blocks = append(blocks, e.blk)
				rows = append(rows, r)
			}
		}
	}
	list := s.table.Snapshot()
	s.mu.Unlock()
	if lo == line.Unset {
		lo, hi = oldest, newest+1
	}
	t := Timeline{Counts: make([][logs.LevelCount]int32, n)}
	if lo == line.Unset || hi <= lo {
		return t
	}
	t.From, t.To = time.UnixMilli(lo).In(s.zone), time.UnixMilli(hi).In(s.zone)
	for i, b := range blocks {
		if b.Sum.LastMS >= lo && b.Sum.FirstMS < hi {
			t.add(b, rows[i], list, lo, hi)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return t
}

func (t *Timeline) add(b *logindex.Block, rows logindex.Bitmap, list []*line.Shape, lo, hi int64) {
	n := int64(len(t.Counts))
	head := 0
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		ms := b.Times.At(i)
		if ms < lo || ms >= hi {
			continue
		}
		if b.Heads.Has(i) {
			head = i
		} else {
			head = b.HeadOf(i)
		}
		t.Counts[(ms-lo)*n/(hi-lo)][list[b.Shapes.At(head)].Level]++
	}
}
