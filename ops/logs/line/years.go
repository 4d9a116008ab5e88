package line

import (
	"io"
	"time"

	"opsdeck/ops/logs"
)

// endBytes are looked at for the last date of a text.
const endBytes = 4 << 10

// Date has a parser give dates without a year the year that they have in a text: they lie
// before it was written to last, where it tells when that was, and its last line's date
// is the latest. Times of an hour that comes twice are told apart by their place in the text.
func Date(p *Parser, text io.ReaderAt) {
	p.head, p.base = func() { p.Head(text) }, 0
	p.Written, p.Ends = time.Time{}, nil
	p.turns, p.turnsAt = nil, nil
	p.passes, p.known = nil, passed{}
	if whole, ok := text.(sizedText); ok {
		p.passes = func(at int64, hour twice) passed { return p.Turns.pass(whole, p, at, hour) }
	}
	t, ok := text.(logs.Dated)
	if !ok {
		return
	}
	p.Written = t.Written()
	if sized, ok := text.(interface{ Size() int64 }); ok {
		p.Ends = func() time.Time { return lastYearless(p, text, sized.Size()) }
		p.turns = func() []int64 { return p.Turns.of(text, sized.Size(), p) }
	}
}

// lastYearless is the time of the last line of a text with a date without a year; zero
// where the end of the text has none.
func lastYearless(like *Parser, text io.ReaderAt, size int64) (last time.Time) {
	p := NewParser(like.Zone, like.Now)
	p.Like(like)
	p.Written = like.Written
	// A first line cut by the bound is no harm: the last one counts.
	from := max(0, size-endBytes)
	buf := make([]byte, endBytes)
	_ = EachLine(text, from, size, buf, func(line []byte, _, _ int64, _ bool) error {
		p.guessed = false
		if e, kind := p.Parse(TrimCR(line)); kind == KindHead && p.guessed && !e.Time.IsZero() {
			last = e.Time
		}
		return nil
	})
	return last
}

// withYear gives a date without a year the latest year in which that day exists and is
// at most a day after now, after the last write to the text and after its last line; less
// the years that turned between the line and the end of the text.
func (s *Stamps) withYear(t Stamp) Stamp {
	s.guessed = true
	last := s.latest()
	t.Year = last.In(s.Zone).Year()
	near := t
	if t.month == 2 && t.day == 29 {
		near.day = 28
	}
	if s.ruled = s.Millis(&near); s.ruled == Unset {
		return t
	}
	if s.ruled > last.Add(24*time.Hour).UnixMilli() {
		near.Year--
		s.ruled = s.Millis(&near)
	}
	t.Year = near.Year - s.turned()
	for range 8 { // 29 February is at most eight years back
		if s.Millis(&t) != Unset {
			break
		}
		t.Year--
	}
	return t
}

// latest is when the text was written to last, as far as that is known, else now.
func (s *Stamps) latest() time.Time {
	if ends := s.Ends; ends != nil {
		s.Ends = nil
		if last := ends(); !last.IsZero() {
			s.Written = last
		}
	}
	if s.Written.Year() > 1990 && s.Written.Before(s.Now) {
		return s.Written
	}
	return s.Now
}
