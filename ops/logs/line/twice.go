package line

import (
	"io"
	"time"

	"opsdeck/ops/logs"
)

// In autumn a clock is put back, and an hour comes twice. A time without a zone does not say
// which of the two it means; the order of the lines does: where their times go back within that
// hour, the second one begins.

// twice is an hour that comes twice. Wall times are those of a clock there, in ms, as if it
// were in UTC.
type twice struct {
	from int64 // wall time of its beginning
	back int64 // how far the clock is put back; 0 for an hour that comes once
	at   int64 // when that is, in ms since 1970
}

// second is a wall time's time where the hour comes again; it is back later than the first.
func (h twice) second(wall int64) int64 { return h.at + wall - h.from }

// twiceAt is the repeated hour that a time lies in.
func twiceAt(t time.Time) (h twice) {
	start, end := t.ZoneBounds()
	_, offset := t.Zone()
	for _, at := range []time.Time{start, end} {
		if at.IsZero() {
			continue
		}
		_, before := at.Add(-time.Second).Zone()
		_, after := at.Zone()
		back := time.Duration(before-after) * time.Second
		lasts := t.Sub(at) + time.Duration(offset-after)*time.Second // on the clock, since it was put back
		if back > 0 && lasts >= 0 && lasts < back {
			return twice{at.UnixMilli() + int64(after)*1000, back.Milliseconds(), at.UnixMilli()}
		}
	}
	return h
}

// settles is how far the time of a line may be behind the clock that it is compared with.
const settles = time.Minute

// inHour is the time of a stamp that lies in s.twice.
func (s *Stamps) inHour(month, day int, t *Stamp) int64 {
	rest := int64(t.hour*3600+t.min*60+t.sec)*1000 + int64(t.ms)
	ms := s.twice.second(epochDays(t.Year, month, day)*86400000 + rest)
	if s.first(ms) {
		ms -= s.twice.back
	}
	return ms
}

// first tells whether the line at s.At was written before the clock was put back; ms is its time
// if it was not. Of a line that has just come, the clock of this machine tells.
func (s *Stamps) first(ms int64) bool {
	if s.passes == nil {
		return !s.Now.IsZero() && ms > s.Now.Add(settles).UnixMilli()
	}
	if s.known.hour != s.twice || s.At >= s.known.upTo {
		s.known = s.passes(s.At, s.twice)
	}
	return s.At < s.known.turn
}

// passed is where in a text an hour comes again.
type passed struct {
	text io.ReaderAt
	hour twice
	turn int64 // the offset of the first line of the second time
	upTo int64 // of the text was looked at
}

// maxPassed bounds how many are remembered.
const maxPassed = 64

// sizedText is a text whose length is known; it may grow.
type sizedText interface {
	io.ReaderAt
	Size() int64
}

// pass returns where an hour comes again in a text, as far as it reaches now; the line at an
// offset must be among what was looked at.
func (t *Turns) pass(text sizedText, like *Parser, at int64, hour twice) passed {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, known := range t.passed {
		if known.text != text || known.hour != hour {
			continue
		}
		if at < known.upTo {
			return known
		}
		t.passed = append(t.passed[:i], t.passed[i+1:]...)
		break
	}
	if len(t.passed) >= maxPassed {
		t.passed = t.passed[1:]
	}
	f := passFinder{p: NewParser(time.UTC, like.Now), text: text, hour: hour, buf: make([]byte, passWhole)}
	f.p.Like(like)
	f.p.Written = like.Written
	f.p.walls = true
	size := text.Size()
	found := passed{text, hour, f.find(size), max(size, at+1)}
	t.passed = append(t.passed, found)
	return found
}

const (
	passWhole  = 256 << 10 // a stretch of this length is read whole
	passPlaces = 256       // places at which a longer one is looked at
	passPiece  = 4 << 10   // of each
	passSearch = 1 << 20   // how far from a place a line with a time is looked for
)

// passFinder looks for the place where an hour comes again.
type passFinder struct {
	p    *Parser // gives wall times
	text io.ReaderAt
	hour twice
	buf  []byte
}

// wall is the wall time of a line that has one without a zone.
func (f *passFinder) wall(line []byte, at int64) (wall int64, ok bool) {
	f.p.base, f.p.walled = 0, false
	f.p.At = at
	_, wall, kind := f.p.ParseMS(TrimCR(line))
	return wall, kind == KindHead && wall != Unset && f.p.walled
}

// each calls fn for the lines with a wall time that begin from off to end.
func (f *passFinder) each(off, end int64, fn func(wall, at int64) error) {
	buf := f.buf
	if end-off <= passSearch {
		buf = f.buf[:passPiece]
	}
	_ = EachLine(f.text, off, end, buf, func(line []byte, at, _ int64, _ bool) error {
		if at == off && off > 0 && !f.breaks(off) {
			return nil // the rest of a line
		}
		if wall, ok := f.wall(line, at); ok {
			return fn(wall, at)
		}
		return nil
	})
}

// breaks tells whether a line begins at an offset.
func (f *passFinder) breaks(off int64) bool {
	var last [1]byte
	n, _ := f.text.ReadAt(last[:], off-1)
	return n == 1 && last[0] == '\n'
}

// next is the first line with a wall time from off on.
func (f *passFinder) next(off, end int64) (wall, at int64, ok bool) {
	f.each(off, min(end, off+passSearch), func(w, a int64) error {
		wall, at, ok = w, a, true
		return ErrStop
	})
	return wall, at, ok
}

// reaches is the offset from which on wall times are not before one; end where there is none.
func (f *passFinder) reaches(off, end, least int64) int64 {
	lo, hi := off, end
	for hi-lo > passPiece {
		middle := lo + (hi-lo)/2
		if wall, at, ok := f.next(middle, hi); ok && wall < least {
			lo = at
		} else {
			hi = middle
		}
	}
	found := end
	f.each(lo, end, func(wall, at int64) error {
		if wall < least {
			return nil
		}
		found = at
		return ErrStop
	})
	return found
}

// find returns the offset at which the hour comes again, in a text of that size.
func (f *passFinder) find(size int64) int64 {
	h := f.hour
	from := f.reaches(0, size, h.from)
	end := f.reaches(from, size, h.from+h.back)
	first, _, ok := f.next(from, end)
	if !ok {
		return end
	}
	last, before := f.lastIn(from, end), f.lastIn(0, from)
	after, _, goesOn := f.next(end, size)
	if !goesOn {
		late := h.second(last) - f.written().Add(settles).UnixMilli() // of what was not written yet
		if late > 0 && late <= h.back {
			return end
		}
	}
	if turn := f.back(from, end); turn > from {
		return turn
	}
	// It was written during one of the two: that which joins on to the lines around it.
	if before != Unset && (!goesOn || first-before <= after-last) {
		return end
	}
	return from
}

// written is when the text was written to last; now where that is not known.
func (f *passFinder) written() time.Time {
	if d, ok := f.text.(logs.Dated); ok && !d.Written().IsZero() {
		return d.Written()
	}
	return f.p.Now
}

// lastIn is the last wall time between two offsets, Unset where there is none.
func (f *passFinder) lastIn(off, end int64) int64 {
	last := int64(Unset)
	for step := int64(passPiece); last == Unset; step *= 16 {
		from := max(off, end-step)
		f.each(from, end, func(wall, _ int64) error {
			last = wall
			return nil
		})
		if from == off || step >= passSearch {
			break
		}
	}
	return last
}

// back is the offset of the line before which wall times go back most between two offsets; 0
// where they do not.
func (f *passFinder) back(off, end int64) int64 {
	if end-off > passWhole {
		off, end = f.near(off, end)
	}
	var turn, last int64
	most := settles.Milliseconds()
	seen := false
	f.each(off, end, func(wall, at int64) error {
		if seen && last-wall >= most {
			turn, most = at, last-wall+1
		}
		last, seen = wall, true
		return nil
	})
	return turn
}

// near narrows a stretch to one in which wall times go back most.
func (f *passFinder) near(off, end int64) (lo, hi int64) {
	type place struct{ at, wall int64 }
	var was, above, below place
	for i := range int64(passPlaces) {
		wall, at, ok := f.next(off+(end-off)/passPlaces*i, end)
		if !ok {
			continue
		}
		is := place{at, wall}
		if i > 0 && was.wall-wall > above.wall-below.wall {
			above, below = was, is
		}
		was = is
	}
	if last := f.lastIn(off, end); was.wall-last > above.wall-below.wall {
		above, below = was, place{end, last}
	}
	if above == below {
		return off, off
	}
	for below.at-above.at > passWhole {
		wall, at, ok := f.next(above.at+(below.at-above.at)/2, below.at)
		switch {
		case !ok || at >= below.at:
			below.at = above.at + (below.at-above.at)/2
		case wall >= above.wall:
			above = place{at, wall}
		default:
			below = place{at, wall}
		}
	}
	return above.at, min(end, below.at+passPiece)
}
