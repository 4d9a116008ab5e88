package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// printedAround is what the command prints of hits with lines around them.
func printedAround(t *testing.T, q *query.Query, parts []logs.Part, before, after int) string {
	t.Helper()
	s := logindex.Scan{
		Query: q,
		Zone:  time.UTC,
		Now:   testNow,
		Warn:  func(part string, err error) { t.Errorf("%s: %v", part, err) },
	}
	var b strings.Builder
	var last logindex.Hit
	put := func(lines string) {
		if lines != "" {
			b.WriteString(lines + "\n")
		}
	}
	err := s.Each(t.Context(), []logs.Source{{Name: "m", Parts: parts}}, func(h *logindex.Hit) error {
		if last.SameEvent(h) {
			return nil
		}
		a, err := s.Around(h, before, after, &last)
		if a.Gap {
			put("--")
		}
		put(a.Before)
		put(a.Event)
		put(a.After)
		last = *h
		last.Printed, last.Over = a.End, a.Over
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestLinesAroundHitsReachOverTheirFile: wherever a log was rotated, what is printed is
// the same.
func TestLinesAroundHitsReachOverTheirFile(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 12))
		text := randomLog(r, 150)
		var heads []int // where one can rotate: at events that say their time
		off := 0
		p := logline.NewParser(time.UTC, testNow)
		for line := range strings.Lines(text) {
			if e, kind := p.Parse(logline.TrimCR([]byte(strings.TrimSuffix(line, "\n")))); kind == logline.KindHead &&
				!e.Time.IsZero() &&
				off > 0 {
				heads = append(heads, off)
			}
			off += len(line)
		}
		var parts []logs.Part
		from := 0
		for i, at := range heads {
			if i%25 == 3 || i == len(heads)-1 { // the last part is one event
				parts = append(parts, memPart{fmt.Sprint("m.", i), text[from:at]})
				from = at
			}
		}
		parts = append(parts, memPart{"m", strings.TrimSuffix(text[from:], "\n")})
		for _, words := range []string{"'Order", "level:error", "客户 1", "'Pool", "'created", "took"} {
			q, _ := query.ParseQuery(words, testNow)
			for _, n := range [][2]int{{1, 0}, {0, 1}, {2, 3}, {7, 7}, {12, 0}, {0, 12}} {
				want := printedAround(t, q, []logs.Part{memPart{"m", text}}, n[0], n[1])
				if got := printedAround(t, q, parts, n[0], n[1]); got != want {
					t.Fatalf(
						"seed %d, %q -B%d -A%d in %d parts: got\n%s\nwant\n%s",
						seed,
						words,
						n[0],
						n[1],
						len(parts),
						got,
						want,
					)
				}
			}
		}
	}
}
