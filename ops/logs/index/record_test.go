package index

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

var recordLevels = []string{"error", "warn", "info", "debug"}

// prettyLog is a text of n records as winston's prettyPrint has them, with other objects
// between, and how many have each level.
func prettyLog(n int) (text string, by map[logs.Level]int64) {
	var b strings.Builder
	by = map[logs.Level]int64{}
	for i := range n {
		word := recordLevels[i*i%len(recordLevels)]
		level, _ := logs.ParseLevel(word)
		by[level]++
		fmt.Fprintf(&b, "{\n  orderId: %d,\n  items: [\n    { level: 'fatal', message: 'inner' }\n  ],\n"+
			"  level: '%s',\n  message: 'order %d %s',\n  timestamp: '2026-01-29T12:%02d:%02d.000Z'\n}\n",
			i, word, i, strings.Repeat("x", i%97), i/60%60, i%60)
		if i%3 == 0 {
			b.WriteString("{\n  a: 1,\n  b: 2\n}\n")
		}
	}
	return b.String(), by
}

// entries is a text of n entries of journalctl -o export.
func entries(n int) (text string, by map[logs.Level]int64) {
	var b strings.Builder
	by = map[logs.Level]int64{}
	levels := map[int]logs.Level{3: logs.LevelError, 4: logs.LevelWarn, 6: logs.LevelInfo}
	for i := range n {
		priority := 3 + i%4
		if priority == 5 {
			priority = 6
		}
		by[levels[priority]]++
		fmt.Fprintf(&b, "__CURSOR=s=0;i=%x\n__REALTIME_TIMESTAMP=%d\nPRIORITY=%d\nSYSLOG_IDENTIFIER=app\n"+
			"MESSAGE\n%c\x00\x00\x00\x00\x00\x00\x00a\n\nb\n_PID=%d\n\n",
			i, 1769688000000000+int64(i)*1000000, priority, 4, i)
	}
	return b.String(), by
}

// TestARecordIsOneEvent: with its level and time, wherever blocks begin. An object that is no
// record is another program's, and an event of its own.
func TestARecordIsOneEvent(t *testing.T) {
	for name, make := range map[string]func(int) (string, map[logs.Level]int64){"pretty": prettyLog,
		"export": entries} {
		text, by := make(300)
		size := int64(len(text))
		events := int64(strings.Count(text, "\n{\n") + strings.Count(text, "__CURSOR="))
		if strings.HasPrefix(text, "{") {
			events++
		}
		r := strings.NewReader(text)
		for step := int64(1000); step < size+1000; step += 9973 {
			b := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
			b.Set(LooksLike(b, r, size, UnknownManner), r, testNow)
			var sum Summary
			for off := int64(0); off < size; {
				end, err := b.start(r, min(off+step, size), size)
				if err != nil {
					t.Fatal(err)
				}
				blk, err := b.Build(r, off, end)
				if err != nil {
					t.Fatal(err)
				}
				for i := range blk.Starts.Len() {
					if !blk.Heads.Has(i) {
						continue
					}
					if at, to := blk.LineAt(i); !line.OpensRecord([]byte(text[at:to])) {
						t.Fatalf("%s: an event begins with %q", name, text[at:to])
					}
				}
				sum.Add(blk.Sum)
				off = end
			}
			for l, n := range by {
				if sum.ByLevel[l] != n {
					t.Fatalf("%s, blocks of %d: %d of %v, want %d", name, step, sum.ByLevel[l], l, n)
				}
			}
			if sum.FirstMS < 1769688000000-1 || sum.Events != events {
				t.Fatalf("%s, blocks of %d: %d events from %d", name, step, sum.Events, sum.FirstMS)
			}
		}
	}
}
