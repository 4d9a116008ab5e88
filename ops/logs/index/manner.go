package index

import (
	"context"
	"io"
	"time"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// Manner is how the lines of a text are read.
type Manner struct {
	Plain    bool           // no line says its time: a plain line is an event of its own
	DayFirst bool           // 05/01/2026 is the fifth of January
	YearDay  bool           // so is 2026-05-01
	Sure     bool           // the text itself tells dayFirst
	open     bool           // it does not, and has dates that can be read both ways
	Column   bool           // every line has a level first after its time
	Style    *logline.Style // of the source's configuration, or nil
	Thin     bool           // there is too little text to tell plain
	Dayed    bool           // its beginning tells the day of its lines, which have none
}

// UnknownManner is that of a text of which nothing is known.
var UnknownManner = Manner{Plain: true, Thin: true}

// Like tells whether two manners read lines alike.
func (m Manner) Like(o Manner) bool {
	return m.Plain == o.Plain && m.DayFirst == o.DayFirst && m.YearDay == o.YearDay && m.Column == o.Column &&
		m.Style == o.Style && m.Dayed == o.Dayed
}

// With adds what another text of the same source tells.
func (m Manner) With(o Manner) Manner {
	if !m.Sure && o.Sure {
		m.DayFirst, m.Sure = o.DayFirst, true
	}
	m.Column = m.Column || o.Column
	m.YearDay = m.YearDay || o.YearDay
	if m.Thin && !o.Thin {
		m.Plain, m.Thin = o.Plain, false
	}
	return m
}

// byte is the manner as it is kept.
func (m Manner) byte() (b byte) {
	if m.Plain {
		b |= 1
	}
	if m.DayFirst {
		b |= 2
	}
	if m.Sure {
		b |= 4
	}
	if m.Column {
		b |= 8
	}
	if m.YearDay {
		b |= 16
	}
	if m.Dayed {
		b |= 32
	}
	return b
}

func mannerOf(b int64) Manner {
	return Manner{Plain: b&1 != 0, DayFirst: b&2 != 0, Sure: b&4 != 0, Column: b&8 != 0, YearDay: b&16 != 0,
		Dayed: b&32 != 0}
}

// Teach has a parser read lines in that manner.
func (m Manner) Teach(p *logline.Parser) {
	p.DayFirst, p.YearDay, p.Column = m.DayFirst, m.YearDay, m.Column
	p.Wear(m.Style)
	p.DayOnly(m.Dayed) // such a line has a time; which, its block tells
}

// StyledManner is UnknownManner of a text of a style.
func StyledManner(s *logline.Style) Manner { return Manner{Plain: true, Thin: true, Style: s} }

// Set has the builder read the lines of a text in that manner. Its times without a
// year lie before it was last written to, where it tells when that was.
func (b *Builder) Set(m Manner, text io.ReaderAt, now time.Time) {
	b.plain = m.Plain
	m.Teach(b.parser)
	b.parser.Now = now
	logline.Date(b.parser, text)
	b.reseed()
}

// How much of a text is looked at to learn its manner.
const (
	lookBytes  = 32 << 10 // of its beginning and of its end
	lookPiece  = 4 << 10  // of places between, while the order of its dates is open
	lookPlaces = 24
)

// LooksLike learns the manner of a text by a look at its beginning and its end:
// whether its lines have times, and in which order its dates are. A number above 12
// settles the order; after that AM and PM, which mostly follow a month first, and am
// and pm, which mostly follow a day first; where none
// is seen, places between are looked at too, then whether a month in front would
// make times that are still to come. Else it is that of the source's other texts,
// of, or Nest's; so is what a text that is too short to tell leaves open.
func LooksLike(b *Builder, r io.ReaderAt, size int64, of Manner) Manner {
	was := *b.parser
	b.parser.Column, b.parser.YearDay = false, false
	b.parser.Wear(of.Style)
	b.parser.Head(r)
	b.reseed()
	defer func() {
		b.parser.Like(&was)
		b.reseed()
	}()
	l := look{b: b}
	l.at(r, 0, min(size, lookBytes))
	if size > lookBytes {
		l.at(r, size-lookBytes, size)
	}
	step := size / (lookPlaces + 1)
	for off := step; l.unsettled() && step > lookPiece && off < size-lookBytes; off += step {
		l.at(r, off, off+lookPiece)
	}
	m := Manner{Plain: !l.timed, DayFirst: of.DayFirst, Style: of.Style, Thin: !l.timed && size < lookBytes}
	if m.Thin {
		m.Plain = of.Plain
	}
	m.Column = l.column(of)
	m.YearDay = l.yearDay(of)
	m.open = l.open > 0
	m.Dayed = b.parser.Day.Year > 0
	switch {
	case l.day > 0 || l.month > 0:
		m.DayFirst, m.Sure = l.day > l.month, true
	case l.hints != 0:
		m.DayFirst, m.Sure = l.hints > 0, true
	case l.ahead:
		m.DayFirst, m.Sure = true, true
	}
	m.open = m.open && !m.Sure
	return m
}

// look is what is seen of a text.
type look struct {
	b          *Builder
	timed      bool
	day, month int  // dates that can only be so
	open       int  // dates that can be both
	hints      int  // of those how many more say am than AM
	heads      int  // lines with a time
	levelled   int  // of those how many have a level, or a word first that may be one
	doubts     int  // how many such words
	ahead      bool // a time would lie in the future with the month first, and not with the day

	years     [4]int // dates of Nest that begin with the year, by the order of day and month
	yearAhead bool   // as ahead, of such dates
}

func (l *look) at(r io.ReaderAt, off, end int64) {
	b := l.b
	// Lines cut by the bounds are no harm: they say no time, or a right one.
	_ = logline.EachLine(r, off, end, b.buf[:lookBytes], func(line []byte, at, n int64, _ bool) error {
		b.parser.Seen = logline.Stamp{}
		b.parser.At = at
		read := b.headOf(logline.TrimCR(line), n)
		s := read.shape
		if s.Kind != logline.KindHead {
			b.parser.Seen = logline.Stamp{} // that of a text which only looks like a date
		}
		if logline.OpensRecord(read.text) {
			rec, ok := b.record(r, at, end)
			l.timed = l.timed || ok && rec.ms != logline.Unset
		}
		if s.Kind == logline.KindHead && (read.ms != logline.Unset || s.Clocked) {
			l.timed = true
			l.level(s)
		}
		switch {
		case b.parser.Seen.Year > 0:
			l.date(&b.parser.Seen)
		case read.first >= 0:
			var t logline.Stamp
			if logline.SlashDate(read.text[read.first:], &t) > 0 {
				l.date(&t)
			} else if order := logline.YearFirst(read.text, read.first, &t); order > 0 {
				l.years[order]++
				l.yearAhead = l.yearAhead || order == logline.EitherOrder && l.late(&t)
			}
		}
		return nil
	})
}

// level notes what a line with a time says of its level.
func (l *look) level(s *logline.Shape) {
	l.heads++
	if s.Doubt != logs.LevelUnknown {
		l.doubts++
	}
	if s.Doubt != logs.LevelUnknown || s.Level != logs.LevelUnknown {
		l.levelled++
	}
}

// fewHeads are too few lines to tell a column of levels by.
const fewHeads = 3

// column tells whether as good as every line has a level first: then a word in small
// letters is one, and begins no sentence.
func (l *look) column(of Manner) bool {
	if l.heads < fewHeads {
		return of.Column
	}
	return l.doubts > 0 && l.levelled*20 >= l.heads*19
}

// date notes what a date tells of the order.
func (l *look) date(t *logline.Stamp) {
	switch t.Order {
	case logline.EitherOrder:
		l.undecided(t)
	case logline.DayThenMonth:
		l.day++
	case logline.MonthThenDay:
		l.month++
	}
}

// undecided notes a date that can be read both ways: what its words hint at, and
// whether a month in front would make it lie in the future.
func (l *look) undecided(t *logline.Stamp) {
	l.open++
	switch t.Hint {
	case logline.DayHint:
		l.hints++
	case logline.MonthHint:
		l.hints--
	}
	l.ahead = l.ahead || l.late(t)
}

// late tells whether a date that can be read both ways would lie in the future with the
// month first, and not with the day.
func (l *look) late(t *logline.Stamp) bool {
	s := l.b.parser.Stamps
	limit := s.Now.UnixMilli() + 24*3600*1000
	s.DayFirst, s.YearDay = false, false
	late := s.Millis(t) > limit
	s.DayFirst, s.YearDay = true, true
	return late && s.Millis(t) <= limit
}

// unsettled tells whether dates were seen that can be read both ways, and none that settles
// how.
func (l *look) unsettled() bool {
	return l.open > 0 && l.day+l.month == 0 || l.years[logline.EitherOrder] > 0 && !l.yearSettled()
}

func (l *look) yearSettled() bool {
	return l.years[logline.DayThenMonth]+l.years[logline.MonthThenDay] > 0
}

// yearDay tells whether dates that begin with the year have the day before the month.
func (l *look) yearDay(of Manner) bool {
	switch {
	case l.yearSettled():
		return l.years[logline.DayThenMonth] > l.years[logline.MonthThenDay]
	case l.yearAhead:
		return true
	}
	return of.YearDay
}

// piece is a Part that goes on the numbers of the lines of the one before.
type piece interface {
	LinesBefore(ctx context.Context) (int64, error)
}

// Learn has a parser read dates in the order that a text tells, as far as it
// does, and from then on in that of the last date that can only be so: for lines
// that are followed. told is false when the text is empty or has dates that can be read
// both ways and nothing that tells how.
func Learn(p *logline.Parser, r io.ReaderAt, size int64) (learned bool) {
	p.Learns = false
	m := LooksLike(NewBuilder(logline.NewShapes(), p, false), r, size, StyledManner(p.Style()))
	if p.Learns = true; m.Sure {
		p.DayFirst = m.DayFirst
	}
	p.Column, p.YearDay = m.Column, m.YearDay
	return !m.open && size > 0
}
