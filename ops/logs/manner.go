package logs

import (
	"context"
	"io"
)

// manner is how the lines of a text are to be read.
type manner struct {
	plain    bool // no line says its time: a plain line is an event of its own
	dayFirst bool // 05/01/2026 is the fifth of January
	sure     bool // the text itself tells dayFirst
	open     bool // it does not, and has dates that can be read both ways
	thin     bool // there is too little text to tell plain
}

// unknownManner is that of a text of which nothing is known.
var unknownManner = manner{plain: true, thin: true}

// like tells whether two manners read lines alike.
func (m manner) like(o manner) bool { return m.plain == o.plain && m.dayFirst == o.dayFirst }

// with adds what another text of the same source tells.
func (m manner) with(o manner) manner {
	if !m.sure && o.sure {
		m.dayFirst, m.sure = o.dayFirst, true
	}
	if m.thin && !o.thin {
		m.plain, m.thin = o.plain, false
	}
	return m
}

// byte is the manner as it is kept.
func (m manner) byte() (b byte) {
	if m.plain {
		b |= 1
	}
	if m.dayFirst {
		b |= 2
	}
	if m.sure {
		b |= 4
	}
	return b
}

func mannerOf(b int64) manner { return manner{plain: b&1 != 0, dayFirst: b&2 != 0, sure: b&4 != 0} }

func (b *builder) set(m manner) { b.plain, b.parser.dayFirst = m.plain, m.dayFirst }

// How much of a text is looked at to learn its manner.
const (
	lookBytes  = 32 << 10 // of its beginning and of its end
	lookPiece  = 4 << 10  // of places between, while the order of its dates is open
	lookPlaces = 24
)

// looksLike learns the manner of a text by a look at its beginning and its end:
// whether its lines have times, and in which order its dates are. A number above 12
// settles the order; after that AM and PM, which mostly follow a month first, and am
// and pm, which mostly follow a day first; where none
// is seen, places between are looked at too, then whether a month in front would
// make times that are still to come. Else it is that of the source's other texts,
// of, or Nest's; so is what a text that is too short to tell leaves open.
func looksLike(b *builder, r io.ReaderAt, size int64, of manner) manner {
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
	m := manner{plain: !l.timed, dayFirst: of.dayFirst, thin: !l.timed && size < lookBytes}
	if m.thin {
		m.plain = of.plain
	}
	m.open = l.open > 0
	switch {
	case l.day > 0 || l.month > 0:
		m.dayFirst, m.sure = l.day > l.month, true
	case l.hints != 0:
		m.dayFirst, m.sure = l.hints > 0, true
	case l.ahead:
		m.dayFirst, m.sure = true, true
	}
	m.open = m.open && !m.sure
	return m
}

// look is what is seen of a text.
type look struct {
	b          *builder
	timed      bool
	day, month int  // dates that can only be so
	open       int  // dates that can be both
	hints      int  // of those how many more say am than AM
	ahead      bool // a time would lie in the future with the month first, and not with the day
}

func (l *look) at(r io.ReaderAt, off, end int64) {
	b := l.b
	// Lines cut by the bounds are no harm: they say no time, or a right one.
	_ = eachLine(r, off, end, b.buf[:lookBytes], func(line []byte, _, n int64, _ bool) error {
		_, s, seen, first := b.shapeOf(trimCR(line), n)
		b.parser.seen = stamp{}
		if s.Kind == KindHead && s.timeOf(seen, first, &b.at, b.parser) != unset {
			l.timed = true
		}
		switch {
		case b.parser.seen.year > 0:
			l.date(&b.parser.seen)
		case first >= 0:
			var t stamp
			if us(seen[first:], &t) > 0 {
				l.date(&t)
			}
		}
		return nil
	})
}

// date notes what a date tells of the order.
func (l *look) date(t *stamp) {
	switch t.order {
	case eitherOrder:
		l.undecided(t)
	case dayThenMonth:
		l.day++
	case monthThenDay:
		l.month++
	}
}

// undecided notes a date that can be read both ways: what its words hint at, and
// whether a month in front would make it lie in the future.
func (l *look) undecided(t *stamp) {
	l.open++
	switch t.hint {
	case dayHint:
		l.hints++
	case monthHint:
		l.hints--
	}
	s := &l.b.parser.stamps
	limit := s.now.UnixMilli() + 24*3600*1000
	was := s.dayFirst
	s.dayFirst = false
	late := s.millis(t) > limit
	s.dayFirst = true
	l.ahead = l.ahead || late && s.millis(t) <= limit
	s.dayFirst = was
}

// piece is a Part that goes on the numbers of the lines of the one before.
type piece interface {
	LinesBefore(ctx context.Context) (int64, error)
}

// Learn has a parser read dates in the order that a text tells, as far as it
// does, and from then on in that of the last date that can only be so: for lines
// that are followed. told is false when the text is empty or has dates that can be read
// both ways and nothing that tells how.
func Learn(p *Parser, r io.ReaderAt, size int64) (told bool) {
	p.learns = false
	m := looksLike(newBuilder(NewShapes(), p, false), r, size, unknownManner)
	if p.learns = true; m.sure {
		p.dayFirst = m.dayFirst
	}
	return !m.open && size > 0
}
