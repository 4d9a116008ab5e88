package load

import (
	"io"
	"slices"
	"testing"

	"opsdeck/ops"
)

// TestProgressMovesWithinATable: the bytes of one large table are counted as they are sent,
// each once, and taken back where they are sent again.
func TestProgressMovesWithinATable(t *testing.T) {
	every := reportEvery
	reportEvery = 0
	t.Cleanup(func() { reportEvery = every })
	var seen []ops.Progress
	m := newMeter(func(p ops.Progress) { seen = append(seen, p) }, "rows", "bytes", 1000)
	feed := make(chan block, 1)
	feed <- block{data: make([]byte, 300), rows: 6, raw: 600}
	close(feed)
	first := block{data: make([]byte, 200), rows: 4, raw: 400}
	r := &feedReader{feed: feed, block: first, told: told{m: m, object: "t"}}
	for {
		if _, err := r.Read(make([]byte, 50)); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	done := func(p ops.Progress) int64 { return p.Done }
	if !slices.IsSortedFunc(seen, func(a, b ops.Progress) int { return int(done(a) - done(b)) }) || len(seen) < 10 ||
		seen[2].Done != 300 {
		t.Errorf("%d reports: %+v", len(seen), seen)
	}
	if last := seen[len(seen)-1]; last.Done != 1000 || last.Rows != 10 || last.Object != "t" {
		t.Errorf("at the end %+v", last)
	}
	r.told.back()
	if last := seen[len(seen)-1]; last.Done != 0 || last.Rows != 0 {
		t.Errorf("sent again: %+v", last)
	}
}
