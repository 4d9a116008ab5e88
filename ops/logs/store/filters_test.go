package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/query"
)

// kept parses a filter as the tab does.
func kept(t *testing.T, text string) *query.Query {
	t.Helper()
	q, err := query.ParseQuery(text, testNow)
	if err != nil {
		t.Fatal(err)
	}
	q = q.Events()
	if worded, ok := q.AsText(); ok {
		return worded
	}
	return q
}

// TestKeptFilters shows events that one of the filters in finds and none of those out does,
// with a model of a few lines as the judge; a line inside an event counts for all of it.
func TestKeptFilters(t *testing.T) {
	var a, b strings.Builder
	var all []string
	for i := range 4000 {
		at := testNow.Add(time.Duration(i-4000) * time.Second).Format("2006-01-02T15:04:05.000Z")
		level := []string{"INFO", "WARN", "ERROR"}[i%3]
		text := fmt.Sprintf("%s %s [C%d] order %d done", at, level, i%5, i)
		if i%7 == 0 {
			text += "\n    at heartbeat (/app/beat.ts:1:1)"
		}
		all = append(all, text)
		to := &a
		if i%2 == 1 {
			to = &b
		}
		to.WriteString(text + "\n")
	}
	s := NewStore(time.UTC, func() time.Time { return testNow })
	defer s.Close()
	s.Add("/l/a.log", "/l/a.log", inMemory(a.String()), false, false)
	s.Add("/l/b.log", "/l/b.log", inMemory(b.String()), false, false)
	has := func(words ...string) func(i int) bool {
		return func(i int) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(all[i], w) })
		}
	}
	for _, c := range []struct {
		search  string
		in, out []string
		off     []string
		want    func(i int) bool
	}{
		{in: []string{"level:error"}, want: has("ERROR")},
		{in: []string{"level:error", "context:C1"}, want: has("ERROR", "[C1]")},
		{out: []string{"heartbeat"}, want: func(i int) bool { return i%7 != 0 }},
		{out: []string{"level:info [C2]"}, want: func(i int) bool { return !(i%3 == 0 && i%5 == 2) }},
		{in: []string{"heartbeat"}, out: []string{"level:warn"},
			want: func(i int) bool { return i%7 == 0 && i%3 != 1 }},
		{search: "'order level:warn", out: []string{"context:C4"}, want: func(i int) bool { return i%3 == 1 && i%5 != 4 }},
		{off: []string{"/l/a.log"}, want: func(i int) bool { return i%2 == 1 }},
		{in: []string{"source:b.log level:error"}, want: func(i int) bool { return i%2 == 1 && i%3 == 2 }},
		{out: []string{"nothing has this"}, want: func(int) bool { return true }},
		{in: []string{"nothing has this"}, want: func(int) bool { return false }},
	} {
		q := kept(t, c.search)
		for _, text := range c.in {
			q.Any = append(q.Any, kept(t, text))
		}
		for _, text := range c.out {
			q.None = append(q.None, kept(t, text))
		}
		q.Off = c.off
		s.SetQuery(q, true)
		quiet(t, s)
		var want, got []string
		for i := range all {
			if c.want(i) {
				want = append(want, strings.Split(all[i], "\n")[0])
			}
		}
		for _, r := range s.Window(Place{Top: true}, 0, 5000).Rows {
			got = append(got, r.Event.Raw)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in %q out %q off %q search %q: %d rows, want %d", c.in, c.out, c.off, c.search, len(got), len(want))
		}
	}
}
