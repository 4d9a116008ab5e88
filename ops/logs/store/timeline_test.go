package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// countedRows is the plain model of a timeline: one row after the other.
func countedRows(s *Store, of Timeline) [][logs.LevelCount]int32 {
	out := make([][logs.LevelCount]int32, len(of.Counts))
	from, to := of.From.UnixMilli(), of.To.UnixMilli()
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for k, e := range g.blocks {
				for i, rows := 0, s.view.rowsOf(g, k); ; i++ {
					if i = rows.Next(i); i < 0 {
						break
					}
					ms := e.blk.Times.At(i)
					if ms == logline.Unset || ms < from || ms >= to {
						continue
					}
					level := s.table.At(e.blk.Shapes.At(e.blk.HeadOf(i))).Level
					out[(ms-from)*int64(len(out))/(to-from)][level]++
				}
			}
		}
	}
	return out
}

// TestTimelineCountsWhatEachRowSays: while a log grows, with hits and without, of all times and
// of some, with times that go back; and nothing is counted again that was.
func TestTimelineCountsWhatEachRowSays(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	s := newTestStore(t)
	text := &growing{}
	seg := s.Add("m", "m", text, true, false)
	other := randomLog(r, 900)
	s.Add("other", "other", inMemory(other), false, false)
	for round, words := range []string{"", "", "order", "order", "level:error", "", ""} {
		q, err := query.ParseQuery(words, testNow)
		if err != nil {
			t.Fatal(err)
		}
		s.SetQuery(q, true)
		seg.Grow(text.append(randomLog(r, 700)), nil)
		quiet(t, s)
		for _, n := range []int{1, 7, 80, 400} {
			all := s.Timeline(t.Context(), time.Time{}, time.Time{}, n)
			third := all.To.Sub(all.From) / 3
			part := s.Timeline(t.Context(), all.From.Add(third), all.To.Add(-third), n)
			for what, got := range map[string]Timeline{"all": all, "part": part} {
				if want := countedRows(s, got); fmt.Sprint(got.Counts) != fmt.Sprint(want) {
					t.Fatalf("round %d, %q, %s in %d: got %v, want %v", round, words, what, n, got.Counts, want)
				}
			}
		}
	}
	e := s.feeds[0].segs[0].blocks[0]
	before := e.bars
	seg.Grow(text.append("2026-01-29T13:00:00.000Z INFO one more\n"), nil)
	quiet(t, s)
	s.Timeline(t.Context(), time.Time{}, time.Time{}, 80)
	if e.bars == before || len(before.bars) < 3 || e.bars.bars[0] != before.bars[0] {
		t.Errorf("%d bars, then %d", len(before.bars), len(e.bars.bars))
	}
	again := e.bars
	if s.Timeline(t.Context(), time.Time{}, time.Time{}, 40); e.bars != again {
		t.Error("a block without new lines is counted again")
	}
}

// TestRowsOfALogWhoseTimesGoBackAreMergedByTheLatest: Key is the latest time so far, however
// many lines there are, and after they grow.
func TestRowsOfALogWhoseTimesGoBackAreMergedByTheLatest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	s := newTestStore(t)
	text := &growing{}
	seg := s.Add("m", "m", text, true, false)
	for range 4 {
		var b strings.Builder
		for range 300 + r.IntN(500) {
			at := testNow.Add(-time.Duration(r.IntN(3600_000)) * time.Millisecond)
			fmt.Fprintf(&b, "%s INFO x\n", at.Format("2006-01-02T15:04:05.000Z"))
		}
		seg.Grow(text.append(b.String()), nil)
		quiet(t, s)
		blk := s.feeds[0].segs[0].blocks[0].blk
		latest := int64(logline.Unset)
		for i := range blk.Lines() {
			if latest = max(latest, blk.Times.At(i)); blk.Key(i) != latest {
				t.Fatalf("line %d of %d: key %d, want %d", i, blk.Lines(), blk.Key(i), latest)
			}
		}
	}
}
