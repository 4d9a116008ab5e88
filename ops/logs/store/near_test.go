package store

import (
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"opsdeck/ops/logs/query"
)

// modelNear are the offsets of the rows with n events around each hit, by the
// plain model.
func modelNear(q *query.Query, text string, n int) (offs []int64) {
	heads := modelHits(&query.Query{}, text)
	near := map[int64]bool{}
	begun := make([]int, len(heads)+1) // how many ranges begin at a head, less those that ended before it
	for _, h := range modelHits(q, text) {
		near[h] = true
		k := max(0, sort.Search(len(heads), func(i int) bool { return heads[i] > h })-1)
		begun[max(0, k-n)]++
		begun[min(len(heads), k+n+1)]--
	}
	open := 0
	for i, h := range heads {
		open += begun[i]
		if open > 0 {
			near[h] = true
		}
	}
	off := int64(0)
	for i, l := range strings.SplitAfter(text, "\n") {
		if near[int64(i)+1] {
			offs = append(offs, off)
		}
		off += int64(len(l))
	}
	return offs
}

func TestEventsAroundHitsAreThoseOfThePlainModel(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(8, 8)), 45_000) // several blocks
	s := newTestStore(t)
	g := &growing{}
	first := len(text) * 3 / 4
	first = strings.LastIndexByte(text[:first], '\n') + 1
	g.append(text[:first])
	seg := s.Add("m", "m", g, true, false)
	for i, words := range []string{"'Order 1234", "'at 'pool.ts:77"} {
		q, _ := query.ParseQuery(words, testNow)
		s.SetQuery(q, true)
		if i == 1 {
			seg.Grow(g.append(text[first:]), nil)
			first = len(text)
		}
		for _, n := range []int{0, 1, 6, 20_000} {
			s.SetAround(n)
			st := quiet(t, s)
			want := modelNear(q, text[:first], n)
			if n == 0 {
				continue // rows are hits alone, not their heads
			}
			if n > 1000 {
				if st.Rows != int64(len(want)) {
					t.Fatalf("%q, %d around: %d rows, the model has %d", words, n, st.Rows, len(want))
				}
				continue
			}
			rows := allRows(s)
			if st.Rows != int64(len(want)) || len(rows) != len(want) {
				t.Fatalf("%q, %d around: %d rows, walked %d, the model has %d", words, n, st.Rows, len(rows), len(want))
			}
			for k, r := range rows {
				if r.ID.Off != want[k] {
					t.Fatalf("%q, %d around: row %d is at %d, the model has %d", words, n, k, r.ID.Off, want[k])
				}
			}
			if st.Hits != int64(len(modelHits(q, text[:first]))) {
				t.Errorf("%q: %d hits", words, st.Hits)
			}
		}
	}
}
