package index

import (
	"strings"
	"testing"

	"opsdeck/ops/logs/line"
)

// TestAStackContinuesALineWithATimeOfDay: in a text whose lines have times of day alone, a
// line without one continues the event before it, as in a text with dates.
func TestAStackContinuesALineWithATimeOfDay(t *testing.T) {
	events := func(text string) int64 {
		b := NewBuilder(line.NewShapes(), line.NewParser(testNow.Location(), testNow), true)
		r := strings.NewReader(text)
		b.Set(LooksLike(b, r, int64(len(text)), UnknownManner), r, testNow)
		blk, err := b.Build(r, 0, int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		if blk.Sum.FirstMS != line.Unset {
			t.Errorf("a day was invented: %d", blk.Sum.FirstMS)
		}
		return blk.Sum.Events
	}
	stack := "12:00:01 ERROR failed\nTraceback (most recent call last):\n  File \"a.py\"\nZeroDivisionError: x\n12:00:02 INFO on\n"
	if n := events(stack); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if n := events("[12:00:01 ERR] failed\nSystem.Exception: x\n   at A.B()\n[12:00:02 INF] on\n"); n != 2 {
		t.Errorf("Serilog: %d events, want 2", n)
	}
	if n := events("one\ntwo\nthree\n"); n != 3 {
		t.Errorf("without any clock: %d events, want 3", n)
	}
}

// TestTheIndexReadsRuntimesAsTheirLinesAlone: shapes shared by lines give the same.
func TestTheIndexReadsRuntimesAsTheirLinesAlone(t *testing.T) {
	for _, wrong := range differs(t, strings.Join([]string{
		"[29-Jan-2026 12:00:00 Asia/Shanghai] PHP Notice:  a 1",
		"[29-Jul-2025 12:00:01 Europe/Berlin] PHP Notice:  a 2",
		"[29-Jan-2026 12:00:02 Europe/Berlin] PHP Notice:  a 3",
		"[29-Jan-2026 12:00:03 UTC] PHP Notice:  a 4",
		`Started GET "/y/1" for 127.0.0.1 at 2026-01-29 12:00:00 +0800`,
		`Started GET "/y/2" for 127.0.0.1 at 2026-01-29 12:00:01 +0800`,
		"12:00:01 INFO a", "99:99:99 INFO a", "[12:00:05 INF] a", "[99:00:05 INF] a", "10:30AM INF a", "13:30AM INF a",
		"2026-01-29 12:00:00.123  WARN 42 --- [exec-1] o.s.w.PageNotFound   : No mapping",
		"fail: Shop[13]", "fail: Shop[14]", "panic: 3", "thread 'main' panicked at a:1:2",
	}, "\n")+"\n") {
		t.Error(wrong)
	}
}
