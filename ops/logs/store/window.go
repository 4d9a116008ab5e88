package store

import (
	"slices"
	"sort"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// RowID names a line in the store for as long as its text is there.
type RowID struct {
	Seg int
	Off int64
}

// Row is a line to be shown: an event by its head, or a hit inside one.
type Row struct {
	ID       RowID
	Event    logs.Event // of this line alone; Raw is its text
	Hit      bool
	Lines    int // of its event, beyond this line
	Critical bool
	Slow     bool
	Gap      bool // events around hits begin anew: some before are left out
	Lost     bool // the text could not be read
}

// Window is what is to be shown around a place.
type Window struct {
	Rows  []Row
	Above int // how many of Rows lie above the place asked for
	Stats Stats
}

// Stats is how much there is and how far the store is with it.
type Stats struct {
	Rows, Hits   int64 // as far as indexed
	Index        int64 // of the place among Rows, from 0
	Lines        int64
	All          logindex.Summary // of all events, hits or not
	Bytes, Done  int64            // of text, and how much of it is indexed
	Pending      bool             // hits are still being looked for
	Added        int64            // events that came since the store was made
	Lost         int64            // bytes that were gone before they could be read
	Dropped      int64            // lines that a server left out
	Sources      int
	FirstHits    time.Duration // from the query to its first hits
	Errors       []error
	Oldest, Last time.Time
}

// spot is a place between two rows of a feed: before row line of block blk.
type spot struct {
	f        *feed
	seg, blk int
	line     int
	order    int
}

// rowsOf are the lines of a block that are rows.
func (v *view) rowsOf(g *Segment, k int) logindex.Bitmap {
	e := g.blocks[k]
	switch {
	case e.blk == nil:
		return nil
	case !v.hitsOnly():
		if slices.Contains(v.query.Off, g.of.name) {
			return nil
		}
		return e.blk.Heads
	case e.gen != v.gen:
		return nil
	case v.around > 0:
		return v.nearOf(g, k).rows
	}
	return e.hits
}

func (v *view) countOf(g *Segment, k int) int {
	e := g.blocks[k]
	switch {
	case e.blk == nil:
		return 0
	case !v.hitsOnly():
		if slices.Contains(v.query.Off, g.of.name) {
			return 0
		}
		return int(e.blk.Sum.Events)
	case e.gen != v.gen:
		return 0
	case v.around > 0:
		return v.nearOf(g, k).n
	}
	return e.count
}

// row is a row found by a spot.
type rowAt struct {
	g    *Segment
	e    *entry
	line int
	key  int64
}

// back steps to the row before the spot.
func (v *view) back(p *spot) (r rowAt, ok bool) {
	for p.seg >= 0 {
		g := p.f.segs[p.seg]
		for p.blk >= g.first && p.blk >= 0 {
			if p.blk < len(g.blocks) {
				rows := v.rowsOf(g, p.blk)
				if i := prev(rows, p.line-1); i >= 0 {
					p.line = i
					return rowAt{g, g.blocks[p.blk], i, g.blocks[p.blk].blk.Key(i)}, true
				}
			}
			p.blk--
			p.line = 1 << 30
		}
		if g.first > 0 && !(len(g.blocks) == 0) {
			return r, false // what lies before is not indexed yet
		}
		if p.seg--; p.seg >= 0 {
			p.blk = len(p.f.segs[p.seg].blocks) - 1
			p.line = 1 << 30
		}
	}
	p.seg = 0
	p.blk = 0
	p.line = 0
	return r, false
}

// on steps over the row after the spot.
func (v *view) on(p *spot) (r rowAt, ok bool) {
	for p.seg < len(p.f.segs) {
		g := p.f.segs[p.seg]
		p.blk = max(p.blk, g.first)
		for p.blk < len(g.blocks) {
			rows := v.rowsOf(g, p.blk)
			if i := rows.Next(p.line); i >= 0 {
				p.line = i + 1
				return rowAt{g, g.blocks[p.blk], i, g.blocks[p.blk].blk.Key(i)}, true
			}
			p.blk++
			p.line = 0
		}
		p.seg++
		p.blk, p.line = 0, 0
	}
	return r, false
}

// prev returns the last member at or before place i, or -1.
func prev(b logindex.Bitmap, i int) int {
	i = min(i, len(b)*64-1)
	for ; i >= 0; i = i&^63 - 1 {
		if w := b[i>>6] << (63 - i&63); w != 0 {
			return i - leading(w)
		}
	}
	return -1
}

// end is the spot behind a feed's last row.
func (f *feed) end(order int) spot {
	p := spot{f: f, seg: len(f.segs) - 1, line: 1 << 30, order: order}
	if p.seg >= 0 {
		p.blk = len(f.segs[p.seg].blocks)
	}
	return p
}

// seek is the spot in a feed before the first row with a key of ms or more.
func (f *feed) seek(ms int64, order int) spot {
	p := f.end(order)
	for p.seg >= 0 {
		g := f.segs[p.seg]
		for k := min(p.blk, len(g.blocks)-1); k >= g.first; k-- {
			blk := g.blocks[k].blk
			if blk == nil || blk.Lines() == 0 || blk.Key(0) >= ms && blk.Times.At(0) != line.Unset {
				p.blk, p.line = k, 0
				continue
			}
			i := sort.Search(blk.Lines(), func(i int) bool { return blk.Key(i) >= ms })
			p.blk, p.line = k, i
			return p
		}
		if g.first > 0 || p.seg == 0 {
			break
		}
		p.seg--
		p.blk = len(f.segs[p.seg].blocks)
		p.line = 1 << 30
	}
	if p.seg < 0 {
		p.seg = 0
		p.blk = 0
		p.line = 0
	}
	return p
}

// Place is where a window is to be: at a row, at a time, or, when both are
// zero, at the end. Skip moves from there by so many rows.
type Place struct {
	Row  RowID
	At   time.Time
	Top  bool // the very beginning
	Skip int
}

// spots are one for each feed, so that all rows before them come before all
// rows behind.
func (fs feeds) spots(at Place) []spot {
	out := make([]spot, len(fs))
	key := int64(0)
	own := -1
	switch {
	case at.Top:
		for i, f := range fs {
			out[i] = spot{f: f, order: i}
			if len(f.segs) > 0 {
				out[i].blk = f.segs[0].first
				for out[i].seg = len(f.segs) - 1; out[i].seg > 0 && f.segs[out[i].seg].first == 0; out[i].seg-- {
				}
				out[i].blk = f.segs[out[i].seg].first
			}
		}
		return out
	case !at.At.IsZero():
		key = at.At.UnixMilli()
	case at.Row.Seg != 0:
		var p spot
		var ok bool
		if p, key, own, ok = fs.locate(at.Row); ok {
			out[own] = p
			break
		}
		fallthrough
	default:
		for i, f := range fs {
			out[i] = f.end(i)
		}
		return out
	}
	for i, f := range fs {
		switch {
		case i == own:
		case own >= 0 && i < own:
			out[i] = f.seek(key+1, i) // ties go by the feeds' order
		default:
			out[i] = f.seek(key, i)
		}
	}
	return out
}

// locate finds the spot before a row.
func (fs feeds) locate(id RowID) (p spot, key int64, feed int, ok bool) {
	for i, f := range fs {
		for k, g := range f.segs {
			if g.id != id.Seg {
				continue
			}
			b := sort.Search(len(g.blocks), func(n int) bool { return n > g.first && g.blockOff(n) > id.Off }) - 1
			if b < g.first || b >= len(g.blocks) || g.blocks[b].blk == nil {
				return p, 0, 0, false
			}
			blk := g.blocks[b].blk
			line := sort.Search(blk.Lines(), func(n int) bool { return blk.Off+int64(blk.Starts.At(n)) >= id.Off })
			p = spot{f: f, seg: k, blk: b, line: line, order: i}
			key = blk.Key(max(0, min(line, blk.Lines()-1)))
			return p, key, i, true
		}
	}
	return p, 0, 0, false
}

func (g *Segment) blockOff(n int) int64 {
	if b := g.blocks[n].blk; b != nil {
		return b.Off
	}
	return g.blocks[n].Off
}

// walk goes up to n rows from the spots, upwards or downwards, merged by time.
func (v *view) walk(spots []spot, n int, down bool) (out []rowAt) {
	type head struct {
		r  rowAt
		ok bool
		p  spot
	}
	step := v.back
	if down {
		step = v.on
	}
	heads := make([]head, len(spots))
	for i := range spots {
		heads[i].p = spots[i]
		heads[i].r, heads[i].ok = step(&heads[i].p)
	}
	for len(out) < n {
		best := -1
		for i := range heads {
			if !heads[i].ok {
				continue
			}
			if best < 0 || down && heads[i].r.key < heads[best].r.key || !down && heads[i].r.key >= heads[best].r.key {
				best = i
			}
		}
		if best < 0 {
			break
		}
		out = append(out, heads[best].r)
		spots[best] = heads[best].p
		heads[best].r, heads[best].ok = step(&heads[best].p)
	}
	return out
}
