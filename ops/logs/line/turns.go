package line

import (
	"io"
	"sort"
	"sync"
	"time"
)

// Dates without a year in a text that spans more than twelve months. By its last line alone,
// each date would lie in the last twelve months before it. Where the dates of a text then
// fall back, a year has turned: the lines before that place are one year older.

// turnPlaces is at how many places a text is looked at for turns of the year; a text of up
// to turnWhole bytes is read whole.
const (
	turnPlaces = 256
	turnWhole  = 64 << 10
	turnPiece  = 4 << 10
)

// turnBack is how far dates must fall back for a turn of the year; lines of one text can
// be out of order by less.
const turnBack = 7 * 24 * time.Hour

// sameDate is the least that dates which lie a year apart differ by.
const sameDate = 364 * 24 * time.Hour

// Turns are the turns of the year in texts, and where an hour comes again, each looked for once.
// It is safe for concurrent use.
type Turns struct {
	mu     sync.Mutex
	list   []turnsOf
	passed []passed
}

type turnsOf struct {
	text io.ReaderAt
	at   []int64 // the offsets of the first lines after each turn
}

// maxTurnTexts bounds how many texts are remembered.
const maxTurnTexts = 64

// of returns the turns in a text.
func (t *Turns) of(text io.ReaderAt, size int64, like *Parser) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.list {
		if known.text == text {
			return known.at
		}
	}
	if len(t.list) == maxTurnTexts {
		t.list = t.list[1:]
	}
	p := NewParser(like.Zone, like.Now)
	p.Like(like)
	p.Written = like.Written
	f := turnFinder{p: p, text: text, buf: make([]byte, turnWhole)}
	found := turnsOf{text, f.find(size)}
	t.list = append(t.list, found)
	return found.at
}

// turnFinder looks for the turns of the year in a text.
type turnFinder struct {
	p    *Parser
	text io.ReaderAt
	buf  []byte
}

// date is the time of a line whose date has no year, as if it lay in the last twelve
// months. ok is false for other lines, and for the days on which a machine starts whose
// clock has not been set: they tell nothing.
func (f *turnFinder) date(line []byte) (ms int64, ok bool) {
	f.p.guessed = false
	_, ms, kind := f.p.ParseMS(TrimCR(line))
	if kind != KindHead || !f.p.guessed || ms == Unset {
		return 0, false
	}
	ms = f.p.ruled
	day := time.UnixMilli(ms).In(f.p.Zone).YearDay()
	return ms, day > 1 && day < 365
}

// first is the first such date from off on.
func (f *turnFinder) first(off, size int64) (ms int64, ok bool) {
	end := min(size, off+turnPiece)
	_ = EachLine(f.text, off, end, f.buf[:turnPiece], func(line []byte, at, _ int64, _ bool) error {
		if at == off && off > 0 {
			return nil // the rest of a line
		}
		if ms, ok = f.date(line); ok {
			return ErrStop
		}
		return nil
	})
	return ms, ok
}

// find returns the turns in a text of that size.
func (f *turnFinder) find(size int64) []int64 {
	if size <= turnWhole {
		return f.within(0, size)
	}
	var turns []int64
	step := size / turnPlaces
	var before, last int64
	seen := false
	for off := int64(0); off < size; off += step {
		ms, ok := f.first(off, size)
		if !ok {
			continue
		}
		if seen && ms < last-turnBack.Milliseconds() {
			lo, hi := f.near(before, off, last, size)
			turns = append(turns, f.within(lo, hi)...)
		}
		before, last, seen = off, ms, true
	}
	return turns
}

// near narrows the stretch that a turn lies in: the dates from lo on are not before last,
// those at hi are.
func (f *turnFinder) near(lo, hi, last, size int64) (from, to int64) {
	for hi-lo > turnWhole-2*turnPiece {
		middle := lo + (hi-lo)/2
		ms, ok := f.first(middle, size)
		if !ok {
			break
		}
		if ms < last-turnBack.Milliseconds() {
			hi = middle
		} else {
			lo, last = middle, ms
		}
	}
	return lo, min(size, hi+turnPiece)
}

// within returns the turns from off to end, reading each line.
func (f *turnFinder) within(off, end int64) []int64 {
	var turns []int64
	var last int64
	seen := false
	_ = EachLine(f.text, off, end, f.buf, func(line []byte, at, _ int64, _ bool) error {
		ms, ok := f.date(line)
		if !ok {
			return nil
		}
		switch {
		case seen && ms < last-turnBack.Milliseconds():
			turns = append(turns, at)
		case seen && len(turns) > 0 && ms >= last+sameDate.Milliseconds():
			turns = turns[:len(turns)-1] // lines out of order, about the turn
		}
		last, seen = ms, true
		return nil
	})
	return turns
}

// turned is how many years before the last twelve months the line at s.At lies.
func (s *Stamps) turned() (years int) {
	if find := s.turns; find != nil {
		s.turns = nil
		s.turnsAt = find()
	}
	if len(s.turnsAt) == 0 {
		return 0
	}
	return len(s.turnsAt) - sort.Search(len(s.turnsAt), func(i int) bool { return s.turnsAt[i] > s.At })
}
