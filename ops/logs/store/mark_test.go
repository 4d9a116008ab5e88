package store

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

const markedText = `[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] all well
[Nest] 1  - 01/29/2026, 12:00:01 PM   ERROR [Pay] Payment 5 failed
Error: External API call failed: https://bank.example
    at Pay.send (/app/src/pay.ts:1:2)
[Nest] 1  - 01/29/2026, 12:00:02 PM    WARN [Db] query:
    SELECT 1
    -- it took 1500 ms
    -- it took 2500 ms
[Nest] 1  - 01/29/2026, 12:00:03 PM     LOG [A] took 999ms
`

// TestAnEventIsMarkedByAnyOfItsLines: what needs a person, and what took long, may
// stand in a stack or a statement below the first line.
func TestAnEventIsMarkedByAnyOfItsLines(t *testing.T) {
	s := newTestStore(t)
	s.Add("m", "m", inMemory(markedText), false, false)
	st := quiet(t, s)
	if st.All.Critical != 1 || st.All.Slow != 1 || st.All.Events != 4 {
		t.Errorf("%d critical, %d slow of %d events", st.All.Critical, st.All.Slow, st.All.Events)
	}
	rows := allRows(s)
	for i, r := range rows {
		if r.Critical != (i == 1) || r.Slow != (i == 2) {
			t.Errorf("row %d: critical %v, slow %v", i, r.Critical, r.Slow)
		}
	}
	for mark, want := range map[Mark]RowID{MarkCritical: rows[1].ID, MarkSlow: rows[2].ID} {
		if id, ok := s.Next(rows[0].ID, mark, true); !ok || id != want {
			t.Errorf("mark %d downwards: %v, %v", mark, id, ok)
		}
		if id, ok := s.Next(rows[3].ID, mark, false); !ok || id != want {
			t.Errorf("mark %d upwards: %v, %v", mark, id, ok)
		}
	}
	list, _ := s.Patterns(context.Background(), time.Time{})
	if !list[0].Critical || !strings.HasPrefix(list[0].Text, "Payment") {
		t.Errorf("the first pattern is %+v", list[0])
	}
	for words, want := range map[string]int64{"is:critical": 1, "is:slow": 1, "took>2000": 1, "took>2500": 0,
		"took>900": 2, "is:critical level:error context:pay": 1, "is:critical context:db": 0, "is:critical 'send": 1} {
		q, _ := query.ParseQuery(words, testNow)
		if n, err := (&logindex.Scan{Query: q, Zone: time.UTC, Now: testNow}).Count(context.Background(),
			[]logs.Source{memSource(markedText)}); err != nil ||
			n != want {
			t.Errorf("%q: %d hits, %v", words, n, err)
		}
		got := int64(0)
		l := NewLive(q, "m", 0, line.NewParser(time.UTC, testNow), func(logs.Event) { got++ })
		l.Read(inMemory(markedText), 0, int64(len(markedText)), nil)
		if l.Quiet(0); got != want {
			t.Errorf("%q, followed: %d hits", words, got)
		}
	}
}

// TestMarksAreCountedOnceWhileTextGrows: in pieces of any size, with half lines.
func TestMarksAreCountedOnceWhileTextGrows(t *testing.T) {
	for step := 1; step < 60; step += 7 {
		s := newTestStore(t)
		text := &growing{}
		g := s.Add("m", "m", text, true, false)
		for at := 0; at < len(markedText); at += step {
			g.Grow(text.append(markedText[at:min(at+step, len(markedText))]), nil)
			quiet(t, s)
		}
		if st := quiet(t, s); st.All.Critical != 1 || st.All.Slow != 1 || st.All.Events != 4 || st.Lines != 9 {
			t.Errorf(
				"in pieces of %d: %d critical, %d slow of %d events, %d lines",
				step,
				st.All.Critical,
				st.All.Slow,
				st.All.Events,
				st.Lines,
			)
		}
	}
}

// TestWhatIsLeftOutIsLeftOutWithAllItsLines: where whole events are shown.
func TestWhatIsLeftOutIsLeftOutWithAllItsLines(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(11, 11)), 400)
	lines := strings.Split(text, "\n")
	heads := modelHits(&query.Query{}, text)
	headOf := func(line int64) int64 {
		i, found := slices.BinarySearch(heads, line)
		if !found {
			i--
		}
		return heads[i]
	}
	for words, not := range map[string]string{"!order": "!order", "!'ordf !took": "!'ordf !took", "er !Order": "!Order",
		"level:error+ pool !/connect/": "!/connect/", "order | !took": "", "!^[Nest": "!^[Nest"} {
		q, _ := query.ParseQuery(words, testNow)
		without, _ := query.ParseQuery(not, testNow)
		var want []int64
		for _, n := range modelHits(q, text) {
			head := headOf(n)
			only := strings.TrimPrefix(words, not) == "" && not != ""
			if without.MatchLine(string(line.Visible(line.TrimCR([]byte(lines[head-1])), nil))) &&
				(!only || n == head) {
				want = append(want, n)
			}
		}
		if got := scanHits(t, q.Events(), text, false); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%q: %d hits %v, want %d %v", words, len(got), head(got), len(want), head(want))
		}
	}
}
