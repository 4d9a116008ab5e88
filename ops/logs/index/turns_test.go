package index

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/line"
)

// datedText is a text that was written to last at a time.
type datedText struct {
	*strings.Reader
	written time.Time
}

func (d datedText) Written() time.Time { return d.written }

// TestALongTextOfSeveralYearsHasEachLinesYear: syslog's dates have no year; the text is far
// longer than what is read whole to find where the year turns.
func TestALongTextOfSeveralYearsHasEachLinesYear(t *testing.T) {
	at := time.Date(2023, 3, 4, 5, 0, 0, 0, time.UTC)
	end := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	var text strings.Builder
	var want []int64
	for i := 0; at.Before(end); i++ {
		fmt.Fprintf(&text, "%s host app[7]: line %d of many, with some words in it\n", at.Format(time.Stamp), i)
		want = append(want, at.UnixMilli())
		at = at.Add(41 * time.Minute)
		if i%5000 == 4999 {
			at = at.Add(20 * 24 * time.Hour) // it rested
		}
	}
	r := datedText{strings.NewReader(text.String()), at}
	b := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, end.AddDate(0, 6, 0)), false)
	b.Set(LooksLike(b, r, r.Size(), UnknownManner), r, end.AddDate(0, 6, 0))
	blk, err := b.Build(r, 0, r.Size())
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 30000 || blk.Times.Len() != len(want) {
		t.Fatalf("%d lines, want %d", blk.Times.Len(), len(want))
	}
	for i, ms := range want {
		if got := blk.Times.At(i); got != ms {
			t.Fatalf("line %d: %v, want %v", i, time.UnixMilli(got).UTC(), time.UnixMilli(ms).UTC())
		}
	}
	// A block from the middle, as another goroutine builds it, says the same.
	c := NewBuilder(b.Table, line.NewParser(time.UTC, end), false)
	c.Set(Manner{}, r, end)
	half := int64(strings.Index(text.String(), "line 12000 of many"))
	half = int64(strings.LastIndexByte(text.String()[:half], '\n')) + 1
	blk, err = c.Build(r, half, r.Size())
	if err != nil || blk.Times.At(0) != want[12000] {
		t.Errorf("%v, %v, want %v", err, time.UnixMilli(blk.Times.At(0)).UTC(), time.UnixMilli(want[12000]).UTC())
	}
}
