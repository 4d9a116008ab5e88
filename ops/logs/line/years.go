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
// is the latest.
func Date(p *Parser, text io.ReaderAt) {
	p.Written, p.Ends = time.Time{}, nil
	t, ok := text.(logs.Dated)
	if !ok {
		return
	}
	p.Written = t.Written()
	if sized, ok := text.(interface{ Size() int64 }); ok {
		p.Ends = func() time.Time { return lastYearless(p, text, sized.Size()) }
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
