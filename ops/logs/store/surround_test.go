package store

import (
	"context"
	"fmt"
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

// surrounded runs a query with lines around its hits and writes each line that
// came as its number, hits with a star.
func surrounded(t *testing.T, q *query.Query, text string, before, after int, newest bool) (got []string) {
	t.Helper()
	s := logindex.Scan{Query: q, Zone: time.UTC, Now: testNow, Newest: newest}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	around := &logindex.Surround{
		Scan:   &s,
		Parser: line.NewParser(time.UTC, testNow),
		Before: before,
		After:  after,
		Emit: func(e *logs.Event, hit bool) error {
			mark := ""
			if hit {
				mark = "*"
			}
			got = append(got, fmt.Sprint(e.Line, mark))
			if first, _, _ := strings.Cut(e.Raw, "\n"); first != lines[e.Line-1] {
				t.Errorf("line %d is %q, want %q", e.Line, first, lines[e.Line-1])
			}
			return nil
		},
	}
	s.Last = around.Close
	if err := s.Each(context.Background(), []logs.Source{memSource(text)}, around.Hit); err != nil {
		t.Fatal(err)
	}
	return got
}

// modelAround is the plain model: hits with the lines around, each line once; a
// hit that is an event's head stands for the event's lines too, unless the newest
// come first and they were there already.
func modelAround(q *query.Query, text string, before, after int, newest bool) (want []string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	head := append(modelHeads(lines, false), true)
	hits := modelHits(q, text)
	if newest {
		slices.Reverse(hits)
	}
	const near, within, hit = 1, 2, 3
	state := make([]byte, len(lines))
	set := func(from, to int, what byte) {
		for i := max(0, from); i < min(to, len(lines)); i++ {
			if state[i] == 0 {
				state[i] = what
			}
		}
	}
	ends := make([]int, len(hits))
	for k, n := range hits {
		ends[k] = int(n)
		for head[n-1] && !head[ends[k]] {
			ends[k]++
		}
		state[n-1] = hit
		if !newest {
			set(int(n), ends[k], within)
		}
	}
	for k, n := range hits {
		above := 0 // where the lines before begin at the earliest
		if newest && k+1 < len(hits) {
			above = ends[k+1]
		}
		if newest {
			set(int(n), ends[k], within)
		}
		below := len(lines) // where the lines behind end at the latest
		if newest && k > 0 {
			below = int(hits[k-1]) - 1
		}
		set(ends[k], min(below, ends[k]+after), near)
		set(max(above, int(n)-1-before), int(n)-1, near)
	}
	for i, at := range state {
		switch at {
		case near:
			want = append(want, fmt.Sprint(i+1))
		case hit:
			want = append(want, fmt.Sprint(i+1, "*"))
		}
	}
	return want
}

func TestLinesAroundHitsAreThoseOfThePlainModel(t *testing.T) {
	for seed := range uint64(6) {
		text := randomLog(rand.New(rand.NewPCG(seed, 11)), 200)
		for _, words := range []string{"'Order", "level:error", "客户 1", "'Pool", "!order", "'nosuchword"} {
			q, _ := query.ParseQuery(words, testNow)
			for _, n := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {2, 3}, {500, 500}} {
				want := strings.Join(modelAround(q, text, n[0], n[1], false), " ")
				if got := strings.Join(surrounded(t, q, text, n[0], n[1], false), " "); got != want {
					t.Fatalf("seed %d, %q -B%d -A%d: got\n%s\nwant\n%s", seed, words, n[0], n[1], got, want)
				}
				back := surrounded(t, q, text, n[0], n[1], true)
				for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
					back[i], back[j] = back[j], back[i]
				}
				want = strings.Join(modelAround(q, text, n[0], n[1], true), " ")
				if got := strings.Join(back, " "); got != want {
					t.Fatalf(
						"seed %d, %q -B%d -A%d, newest first: got reversed\n%s\nwant\n%s",
						seed,
						words,
						n[0],
						n[1],
						got,
						want,
					)
				}
			}
		}
	}
}

func TestARankedLineComesBeforeAWorseOne(t *testing.T) {
	lines := []string{ // best first
		"GET the connection timeout now",
		"GET a connection timeouts",
		"timeout of a connection",
		"timeoutx of connections",
		"conn ection ti meout",
		"c o n n e c t i o n t i m e o u t",
	}
	q, _ := query.ParseQuery("connection timeout", testNow)
	for i := 1; i < len(lines); i++ {
		a, b := q.Rank(lines[i-1]), q.Rank(lines[i])
		if a >= b {
			t.Errorf("%q has rank %#x, %q %#x", lines[i-1], a, lines[i], b)
		}
	}
}

func TestStoreShowsTheBestFirst(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		text := "o-r-d-e-r scattered"
		switch {
		case i%500 == 7:
			text = "an order stands here"
		case i%100 == 3:
			text = "reorders"
		}
		fmt.Fprintf(&b, "2026-01-29T09:%02d:%02d.000Z INFO %s %d\n", i/60, i%60, text, i)
	}
	s := newTestStore(t)
	s.Add("m", "m", inMemory(b.String()), false, false)
	q, _ := query.ParseQuery("order", testNow)
	s.SetQuery(q, true)
	quiet(t, s)
	w := s.Best(t.Context(), 20)
	var got []string
	for _, r := range w.Rows {
		got = append(got, r.Event.Message)
	}
	for i, want := range []string{"an order stands here 2507", "an order stands here 2007", "an order stands here 1507",
		"an order stands here 1007", "an order stands here 507", "an order stands here 7", "reorders 2903",
		"reorders 2803"} {
		if i >= len(got) || got[i] != want {
			t.Fatalf("row %d: got %q, want %q", i, got[min(i, len(got)-1)], want)
		}
	}
	if len(got) != 20 || w.Stats.Hits != 3000 {
		t.Errorf("%d rows, %d hits", len(got), w.Stats.Hits)
	}
}
