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
		"access": func(i int) string {
			return fmt.Sprintf(`10.0.%d.%d - - [%s] "GET /api/orders/%d HTTP/1.1" %d %d "-" "Mozilla/5.0"`,
				i%7, i%251, at.Add(time.Duration(i)*time.Millisecond).Format("02/Jan/2006:15:04:05 -0700"), i, 200+
					i%20/19*304, i%5000)
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
			for b.Loop() {
				if _, err := by.Build(r, 0, int64(len(text))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
