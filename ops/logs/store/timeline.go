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

// barred is a block whose rows a timeline counts.
type barred struct {
	e    *entry
	blk  *logindex.Block
	rows logindex.Bitmap
	bars *bars
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
	blocks, oldest, newest := s.barred()
	key := barsKey{}
	if !s.view.query.Empty() {
		key.gen = s.view.gen
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
	for i := range blocks {
		b := &blocks[i]
		if b.blk.Sum.LastMS >= lo && b.blk.Sum.FirstMS < hi {
			key.lines = b.blk.Lines()
			had := b.bars
			if b.bars = had.of(b.blk, b.rows, key, list); b.bars != had {
				s.attic.read()
			}
			t.add(b, list, lo, hi)
		}
		if ctx.Err() != nil {
			break
		}
	}
	s.attic.rest()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range blocks {
		if b := &blocks[i]; b.e.blk == b.blk {
			b.e.bars = b.bars
		}
	}
	return t
}

// barred are the blocks with rows, and the times of the oldest and the newest event. The lock
// is held.
func (s *Store) barred() (blocks []barred, oldest, newest int64) {
	oldest, newest = line.Unset, line.Unset
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
				blocks = append(blocks, barred{e, e.blk, r, e.bars})
			}
		}
	}
	return blocks, oldest, newest
}

// add adds a block's rows, those of a bar at once where they fall into one stretch.
func (t *Timeline) add(b *barred, list []*line.Shape, lo, hi int64) {
	n := int64(len(t.Counts))
	for i := range b.bars.bars {
		r := &b.bars.bars[i]
		if r.last < lo || r.first >= hi || r.first == line.Unset {
			continue
		}
		if r.first >= lo && r.last < hi {
			if at := (r.first - lo) * n / (hi - lo); at == (r.last-lo)*n/(hi-lo) {
				for l, v := range r.counts {
					t.Counts[at][l] += v
				}
				continue
			}
		}
		eachRow(b.blk, b.rows, list, r.from, r.to, func(ms int64, level logs.Level) {
			if ms >= lo && ms < hi {
				t.Counts[(ms-lo)*n/(hi-lo)][level]++
			}
		})
	}
}

// barLines is how many lines of a block are counted as one.
const barLines = 1024

// bar counts the rows of some lines of a block by level; of those with a time.
type bar struct {
	from, to    int32 // lines
	first, last int64 // ms; Unset where no row has a time
	counts      [logs.LevelCount]int32
}

// bars are a block's bars. They are not changed once they are made.
type bars struct {
	key  barsKey
	bars []bar
}

// barsKey is what the bars of a place's block depend on: what is found, and how far it has grown.
type barsKey struct {
	gen   uint64 // of the query, 0 without one
	lines int
}

// of are the bars of a block that may have grown since: those of its older lines stay.
func (b *bars) of(blk *logindex.Block, rows logindex.Bitmap, key barsKey, list []*line.Shape) *bars {
	if b != nil && b.key == key {
		return b
	}
	out := &bars{key: key}
	from := 0
	if b != nil && b.key.gen == key.gen {
		for _, r := range b.bars {
			if int(r.to) >= b.key.lines || r.to-r.from < barLines { // the last line may have changed
				break
			}
			out.bars = append(out.bars, r)
			from = int(r.to)
		}
	}
	for ; from < key.lines; from += barLines {
		r := bar{from: int32(from), to: int32(min(from+barLines, key.lines)), first: line.Unset, last: line.Unset}
		eachRow(blk, rows, list, r.from, r.to, func(ms int64, level logs.Level) {
			if r.first == line.Unset || ms < r.first {
				r.first = ms
			}
			r.last = max(r.last, ms)
			r.counts[level]++
		})
		out.bars = append(out.bars, r)
	}
	return out
}

// eachRow calls do for the rows with a time among some lines, with their events' levels.
func eachRow(
	b *logindex.Block, rows logindex.Bitmap, list []*line.Shape, from, to int32, do func(int64, logs.Level),
) {
	head := -1
	for i := rows.Next(int(from)); i >= 0 && i < int(to); i = rows.Next(i + 1) {
		ms := b.Times.At(i)
		if ms == line.Unset {
			continue
		}
		if next := b.Heads.Next(head + 1); head < 0 || next >= 0 && next <= i {
			head = b.HeadOf(i)
		}
		do(ms, list[b.Shapes.At(head)].Level)
	}
}
