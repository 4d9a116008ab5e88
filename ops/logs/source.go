package logs

import (
	"context"
	"io"
)

// Text is the text of a log that lies somewhere and stays there. It may grow;
// what was there stays as it was until it is closed.
type Text interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// Part is one stretch of a source's text: a file, a rotated generation.
type Part interface {
	// Name is shown to people and stands in the output: a path.
	Name() string
	// Open makes the text readable. It may return a text together with an
	// error: what a damaged file still holds.
	Open(ctx context.Context) (Text, error)
}

// Source is one log: its parts in the order of time, the newest last.
type Source struct {
	Name  string
	Parts []Part
}

// manner is how the lines of a text are to be read.
type manner struct {
	plain    bool // no line says its time: a plain line is an event of its own
	dayFirst bool // 05/01/2026 is the fifth of January
}

// byte is the manner as it is kept.
func (m manner) byte() (b byte) {
	if m.plain {
		b |= 1
	}
	if m.dayFirst {
		b |= 2
	}
	return b
}

func mannerOf(b int64) manner { return manner{plain: b&1 != 0, dayFirst: b&2 != 0} }

func (b *builder) set(m manner) { b.plain, b.parser.dayFirst = m.plain, m.dayFirst }

// How much of a text is looked at to learn its manner.
const (
	lookBytes  = 32 << 10 // of its beginning and of its end
	lookPiece  = 4 << 10  // of places between, while the order of its dates is open
	lookPlaces = 24
)

// looksLike learns the manner of a text by a look at its beginning and its end:
// whether its lines have times, and in which order its dates are. Only a number
// above 12 settles the order, or AM and PM, which only follow a month; where none
// is seen, places between are looked at too, then whether a month in front would
// make times that are still to come. Else it is the parser's, Nest's.
func looksLike(b *builder, r io.ReaderAt, size int64) manner {
	was := b.parser.dayFirst
	defer func() { b.parser.dayFirst = was }()
	l := look{b: b}
	l.at(r, 0, min(size, lookBytes))
	if size > lookBytes {
		l.at(r, size-lookBytes, size)
	}
	step := size / (lookPlaces + 1)
	for off := step; l.open > 0 && l.day+l.month == 0 && step > lookPiece && off < size-lookBytes; off += step {
		l.at(r, off, off+lookPiece)
	}
	m := manner{plain: !l.timed, dayFirst: was}
	switch {
	case l.day > 0 || l.month > 0:
		m.dayFirst = l.day > l.month
	case l.ahead:
		m.dayFirst = true
	}
	return m
}

// look is what is seen of a text.
type look struct {
	b          *builder
	timed      bool
	day, month int  // dates that can only be so
	open       int  // dates that can be both
	ahead      bool // a time would lie in the future with the month first, and not with the day
}

func (l *look) at(r io.ReaderAt, off, end int64) {
	b := l.b
	// Lines cut by the bounds are no harm: they say no time, or a right one.
	_ = eachLine(r, off, end, b.buf[:lookBytes], func(line []byte, _, n int64, _ bool) error {
		_, s, seen, first := b.shapeOf(trimCR(line), n)
		if s.Kind == KindHead && s.timeOf(seen, first, &b.at, b.parser) != unset {
			l.timed = true
		}
		if first >= 0 {
			l.date(seen[first:])
		}
		return nil
	})
}

// date notes what a date with slashes tells of the order.
func (l *look) date(text []byte) {
	var t stamp
	n := us(text, &t)
	switch {
	case n == 0 || text[2] != '/':
	case t.either:
		l.open++
		s, limit := &l.b.parser.stamps, l.b.parser.now.UnixMilli()+24*3600*1000
		s.dayFirst = false
		late := s.millis(&t) > limit
		s.dayFirst = true
		l.ahead = l.ahead || late && s.millis(&t) <= limit
		s.dayFirst = false
	case digits2(text) > 12:
		l.day++
	case digits2(text[3:]) > 12:
		l.month++
	case text[n-1] == 'M':
		l.month++
	}
}
