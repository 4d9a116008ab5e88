package index

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"opsdeck/ops/logs/line"
)

// benchLogs are logs of one form each, as long as a block.
func benchLogs() map[string][]byte {
	at := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	out := map[string][]byte{}
	for name, form := range map[string]func(i int) string{
		"nest": func(i int) string {
			return fmt.Sprintf("[Nest] 12345  - 01/29/2026, %s PM     LOG [OrderService] Order created: %d for customer %d +3ms",
				at.Add(time.Duration(i)*time.Millisecond).Format("3:04:05"), i, i%977)
		},
		"json": func(i int) string {
			return fmt.Sprintf(`{"timestamp":"%s","level":"INFO","context":"OrderService","message":"Order %d created","metadata":{"userId":%d}}`,
				at.Add(time.Duration(i)*time.Millisecond).Format("2006-01-02T15:04:05.000Z"), i, i%977)
		},
		"pino": func(i int) string {
			return fmt.Sprintf(`{"level":30,"time":%d,"pid":42,"hostname":"shop","reqId":"req-%d","url":"/orders","msg":"request done"}`,
				at.UnixMilli()+int64(i), i)
		},
		"took": func(i int) string { // as pino, with a duration
			return fmt.Sprintf(`{"level":30,"time":%d,"pid":42,"hostname":"shop","reqId":"req-%d","url":"/orders","took":%d,"msg":"request done"}`,
				at.UnixMilli()+int64(i), i, i%900)
		},
		"access": func(i int) string {
			return fmt.Sprintf(`10.0.%d.%d - - [%s] "GET /api/orders/%d HTTP/1.1" %d %d "-" "Mozilla/5.0"`,
				i%7, i%251, at.Add(time.Duration(i)*time.Millisecond).Format("02/Jan/2006:15:04:05 -0700"), i, 200+
					i%20/19*304, i%5000)
		},
		"syslog": func(i int) string {
			return fmt.Sprintf("%s host sshd[%d]: Failed password for user%d from 10.0.0.%d",
				at.Add(time.Duration(i)*time.Second).Format(time.Stamp), 1000+i%977, i, i%251)
		},
		"text": func(i int) string {
			return fmt.Sprintf("%s INFO [main] order %d created by %d", at.Add(time.Duration(i)*time.Millisecond).Format("2006-01-02 15:04:05.000"), i, i%977)
		},
	} {
		var b bytes.Buffer
		for i := 0; b.Len() < 4<<20; i++ {
			b.WriteString(form(i) + "\n")
		}
		out[name] = b.Bytes()
	}
	return out
}

// BenchmarkBuild makes the index of logs that are in memory.
func BenchmarkBuild(b *testing.B) {
	for name, text := range benchLogs() {
		b.Run(name, func(b *testing.B) {
			by := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC)),
				false)
			r := bytes.NewReader(text)
			b.SetBytes(int64(len(text)))
			var blk *Block
			for b.Loop() {
				var err error
				if blk, err = by.Build(r, 0, int64(len(text))); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(blk.size())/float64(blk.Lines()), "bytes/line")
		})
	}
}

// size is how many bytes a block's lines take in memory.
func (b *Block) size() int {
	s, t, ids := &b.Starts, &b.Times, &b.Shapes
	n := 4*cap(s.marks) + 2*cap(s.near) + 4*cap(s.wide)
	n += 4*cap(t.marks) + 2*cap(t.tiny) + 4*cap(t.near) + 8*cap(t.wide)
	return n + 2*cap(ids.near) + 4*cap(ids.wide) + 8*cap(b.Heads)
}

// TestALineTakesFewBytesOfMemory: of logs as they are usual; with 100 bytes a line, 600 MB of
// them take 40 MB.
func TestALineTakesFewBytesOfMemory(t *testing.T) {
	for name, text := range benchLogs() {
		by := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
		blk, err := by.Build(bytes.NewReader(text), 0, int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		if each := float64(blk.size()) / float64(blk.Lines()); each > 7 {
			t.Errorf("%s: %.2f bytes a line, want at most 7", name, each)
		}
		if n := len(by.Table.Snapshot()); n > 100 {
			t.Errorf("%s: %d shapes of one sentence", name, n)
		}
	}
}
