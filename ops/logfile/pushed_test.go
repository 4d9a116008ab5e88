package logfile

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/query"
)

// TestOnlyWordsThatAreInTheLineArePushedDown: a line that says no time is shown with the
// server's before it, so parts of that time may be found where the server has none.
func TestOnlyWordsThatAreInTheLineArePushedDown(t *testing.T) {
	const prefix, line = "2026-01-29T10:19:56.123Z ", "timeout of order 20456 status 500 az4"
	for _, c := range []struct {
		words   string
		narrows bool
	}{
		{"'2026-01-29", false},
		{"'2026-01-29T10:19", false},
		{"'56.123Z timeout", true},
		{"2026", false},
		{"'2026", false},
		{"'10:19:56", false},
		{"'500", true},
		{"'20456", true},
		{"timeout", true},
		{"2026timeout", true},
		{"'2026-01-29 'timeout", true},
		{"/56.123Z timeo/", true},
		{"/2026-01/", false},
	} {
		q, err := query.ParseQuery(c.words, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if !q.MatchLine(prefix + line) {
			t.Fatalf("%s does not find the line as it is shown", c.words)
		}
		f := Push(q)
		if f.narrows() != c.narrows {
			t.Errorf("%s: pushed %q %q, likely %q", c.words, f.Contains, f.Matches, f.Likely)
		}
		for _, text := range f.Contains {
			if !strings.Contains(line, text) {
				t.Errorf("%s: the server's line has no %q and is missed", c.words, text)
			}
		}
		for _, re := range f.Matches {
			if !regexp.MustCompile(re).MatchString(line) {
				t.Errorf("%s: the server's line does not match %q and is missed", c.words, re)
			}
		}
	}
}

// TestAMomentWithMoreLinesThanAPageIsToldOfOlderLinesToo, and of those around a hit; where
// full pages are of several moments, nothing is said.
func TestAMomentWithMoreLinesThanAPageIsToldOfOlderLinesToo(t *testing.T) {
	moment := time.Date(2026, 1, 29, 12, 0, 2, 0, time.UTC)
	for _, apart := range []time.Duration{0, time.Millisecond} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			var from, to time.Time
			bounds := strings.Split(strings.Trim(strings.Fields(r.Form.Get("query"))[0], "_time:[,"), " ")
			from, _ = time.Parse(time.RFC3339Nano, bounds[0])
			upper, _, _ := strings.Cut(strings.Fields(r.Form.Get("query"))[1], ")")
			to, _ = time.Parse(time.RFC3339Nano, upper)
			var there []string
			for i := range victoriaLimit + 10 {
				at := moment.Add(time.Duration(i) * apart)
				if !at.Before(from) && at.Before(to) {
					there = append(there, fmt.Sprintf(`{"_msg":"INFO %d","_stream":"{}","_stream_id":"02","_time":%q}`,
						i, at.Format(time.RFC3339Nano)))
				}
			}
			if n := len(there) - victoriaLimit; n > 0 && strings.Contains(r.Form.Get("query"), "_time desc") {
				there = there[n:]
			}
			fmt.Fprintln(w, strings.Join(there[:min(len(there), victoriaLimit)], "\n"))
		}))
		defer s.Close()
		l, err := newServer("victorialogs:"+s.URL, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		from, to := moment.Add(-time.Hour), moment.Add(time.Hour)
		older, _, err := l.back(t.Context(), Filter{}, from, to, 1e6, map[entry]bool{})
		told(t, "older lines", apart, len(older), err)
		near, err := l.between(t.Context(), stretch{moment.Add(-time.Second), moment.Add(time.Minute)})
		told(t, "around a hit", apart, len(near), err)
		if len(near) == 0 {
			continue
		}
		if all, err := l.whole(t.Context(), near[:1]); len(all) == 0 || errors.Is(err, errCrowded) != (apart == 0) {
			t.Errorf("%v apart: the whole event is %d lines, %v", apart, len(all), err)
		}
	}
}

func told(t *testing.T, what string, apart time.Duration, n int, err error) {
	t.Helper()
	want := victoriaLimit
	if apart > 0 {
		want += 10
	}
	if n != want {
		t.Errorf("%s, %v apart: %d lines, want %d", what, apart, n, want)
	}
	if errors.Is(err, errCrowded) != (apart == 0) || err != nil && apart > 0 {
		t.Errorf("%s, %v apart: %v", what, apart, err)
	}
}
