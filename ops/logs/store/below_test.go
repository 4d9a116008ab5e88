package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// belowTold are the events of a text as the search, the follower and the store, where it comes
// in pieces, tell them.
func belowTold(t *testing.T, pieces []string) map[string]string {
	t.Helper()
	text := strings.Join(pieces, "")
	tell := func(e *logs.Event) string {
		at := "-"
		if !e.Time.IsZero() {
			at = e.Time.UTC().Format("02T15:04:05")
		}
		return fmt.Sprintf("%s %v %s|%s (%d)\n", at, e.Level, e.Context, e.Message, strings.Count(e.Raw, "\n")+1)
	}
	var scanned, followed, stored strings.Builder
	s := index.Scan{Query: &query.Query{}, Zone: time.UTC, Now: testNow}
	p := line.NewParser(time.UTC, testNow)
	err := s.Each(context.Background(), []logs.Source{memSource(text)}, func(h *index.Hit) error {
		e, err := s.WholeEvent(p, h)
		if e.Level != h.Level() {
			t.Errorf("the index says %v of %s", h.Level(), tell(&e))
		}
		scanned.WriteString(tell(&e))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	live := NewLive(&query.Query{}, "m", 0, line.NewParser(time.UTC, testNow), func(e logs.Event) {
		followed.WriteString(tell(&e))
	})
	if _, err := live.Read(strings.NewReader(text), 0, int64(len(text)), nil); err != nil {
		t.Fatal(err)
	}
	live.Quiet(0)
	held := newTestStore(t)
	grown := &growing{}
	seg := held.Add("m", "m", grown, true, false)
	for _, piece := range pieces {
		seg.Grow(grown.append(piece), nil)
		quiet(t, held)
	}
	w := held.Window(Place{Top: true}, 0, 100)
	var levels [logs.LevelCount]int64
	for _, r := range w.Rows {
		e, _ := held.Event(r.ID)
		stored.WriteString(tell(&e))
		if r.Event.Level != e.Level {
			t.Errorf("the row says %v of %s", r.Event.Level, tell(&e))
		}
		levels[e.Level]++
	}
	if w.Stats.All.ByLevel != levels || w.Stats.Added != int64(len(w.Rows)) {
		t.Errorf("it counts %v and adds %d, of %v", w.Stats.All.ByLevel, w.Stats.Added, levels)
	}
	return map[string]string{"scan": scanned.String(), "follow": followed.String(), "store": stored.String()}
}

// TestJavasTwoLinesAreOneEvent: what java.util.logging writes in seven languages.
func TestJavasTwoLinesAreOneEvent(t *testing.T) {
	want := " INFO J|started on 8080 (2)\n WARN J|slow query 1234 ms (3)\n ERROR J|order failed (5)\n DEBUG J|x=1 (2)\n" +
		" DEBUG J|y (2)\n VERBOSE J|z (2)\n VERBOSE J|w (2)\n INFO J|end (2)\n"
	for _, lang := range []string{"en-US", "zh-CN", "zh-TW", "ja-JP", "ko-KR", "de-DE", "es-ES"} {
		text, err := os.ReadFile("../line/testdata/java-util-logging-" + lang + ".log")
		if err != nil {
			t.Fatal(err)
		}
		want := want
		if lang == "ja-JP" { // FINER there is what FINE is in Taiwan
			want = strings.Replace(want, "VERBOSE J|z", "DEBUG J|z", 1)
		}
		for who, got := range belowTold(t, strings.SplitAfter(string(text), "\n")) {
			var told strings.Builder
			for l := range strings.Lines(got) {
				at, rest, _ := strings.Cut(l, " ")
				if !strings.HasPrefix(at, "01T00:1") {
					t.Errorf("%s, %s: at %s", lang, who, at)
				}
				told.WriteString(" " + rest)
			}
			if told.String() != want {
				t.Errorf("%s, %s: got %s\nwant %s", lang, who, told.String(), want)
			}
		}
	}
}

// TestTheTextBelowATimeIsItsMessage: Oracle's alert log in the forms of 12.2 and before, by its
// documents; a class alone is none, nor is what says its own time.
func TestTheTextBelowATimeIsItsMessage(t *testing.T) {
	text := `2026-01-29T12:00:00.123456+00:00
Thread 1 advanced to log sequence 5 (LGWR switch)
  Current log# 2 seq# 5 mem# 0: /u01/oradata/redo02.log
2026-01-29T12:00:01.123456+00:00
Errors in file /u01/app/oracle/diag/rdbms/orcl/trace/orcl_ora_4242.trc:
ORA-00600: internal error code, arguments: [kdsgrp1]

Thu Jan 29 12:00:02 2026
WARNING: inbound connection timed out (ORA-3136)
Thu Jan 29 12:00:03 2026

Starting background process SMCO
Thu Jan 29 12:00:04 2026
Thu Jan 29 12:00:05 2026
ALTER DATABASE OPEN
Jan 29, 2026 12:00:06 PM com.example.Job run
Jan 29, 2026 12:00:07 PM com.example.Job run
nothing with a level
Jan 29, 2026 12:00:08 PM INFO done
`
	want := `29T12:00:00 UNKNOWN |Thread 1 advanced to log sequence 5 (LGWR switch) (3)
29T12:00:01 ERROR |Errors in file /u01/app/oracle/diag/rdbms/orcl/trace/orcl_ora_4242.trc: (4)
29T12:00:02 WARN |inbound connection timed out (ORA-3136) (2)
29T12:00:03 UNKNOWN |Starting background process SMCO (3)
29T12:00:04 UNKNOWN | (1)
29T12:00:05 UNKNOWN |ALTER DATABASE OPEN (2)
29T12:00:06 UNKNOWN com.example.Job|com.example.Job run (1)
29T12:00:07 UNKNOWN com.example.Job|com.example.Job run (2)
29T12:00:08 INFO |done (1)
`
	for who, got := range belowTold(t, strings.SplitAfter(text, "\n\n")) {
		if got != want {
			t.Errorf("%s: got %s\nwant %s", who, got, want)
		}
	}
}
