package line

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
)

// TestNestsHeadIsWhatParseReads changes Nest's lines in a few places: a line that still begins so
// is read by its head as it is read as a whole.
func TestNestsHeadIsWhatParseReads(t *testing.T) {
	r := rand.New(rand.NewPCG(testenv.Seed(t), 18))
	var lines [][]byte
	for _, l := range []string{
		"[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [Context] text +3ms",
		"[Nest] 1  - 13/02/2026, 2:00:00 AM   ERROR text", "[Nest] 7 - 29.01.2026, 12:00:00 FATAL",
		"[Nest] 12  - 02/01/2026, 23:59:60 VERBOSE [A] DEBUG WARN:", "[Nest] 1  - 99/99/2026, 12:00:00 WARN [slow log] x",
		"[Nest] 12  - 02/01/2569, 11:59:59 p.m.   DEBUG {",
	} {
		lines = append(lines, []byte(l))
	}
	text, err := os.ReadFile("testdata/nest-console-plain.log")
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, bytes.Split(text, []byte("\n"))...)
	const of = "  --//..::019AaPpMm[]LOGERWN\t\x1b\u202f"
	read := 0
	for range 50_000 {
		line := bytes.Clone(lines[r.IntN(len(lines))])
		for range r.IntN(4) {
			at := r.IntN(len(line) + 1)
			switch at = min(at, r.IntN(60)+1); {
			case at >= len(line):
			case r.IntN(3) == 0:
				line = append(line[:at], line[at+1:]...)
			case r.IntN(2) == 0:
				line[at] = of[r.IntN(len(of))]
			default:
				line = append(line[:at], append([]byte{of[r.IntN(len(of))]}, line[at:]...)...)
			}
		}
		p := NewParser(time.UTC, time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
		p.DayFirst = r.IntN(2) == 0
		level, ms, ok := p.NestHead(line)
		if !ok {
			continue
		}
		read++
		e, want, kind := p.ParseMS(line)
		part := partOf(&e, kind, &p.read)
		shape := NewShape(line, -1, p)
		if e.Format != logs.FormatNest || e.Level != level || want != ms || kind != KindHead || part >= partAside ||
			!shape.Resets() || shape.Below {
			t.Fatalf("%q: level %v, time %d; by the whole line %v, %d, kind %d, part %d",
				line, level, ms, e.Level, want, kind, part)
		}
	}
	if read < 1000 {
		t.Errorf("only %d lines were read", read)
	}
}
