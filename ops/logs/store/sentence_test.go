package store

import (
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// TestATimeWithNothingAfterItIsALine: such lines are written by empty messages.
func TestATimeWithNothingAfterItIsALine(t *testing.T) {
	p := line.NewParser(time.UTC, testNow)
	for _, text := range []string{
		"2026-01-29T12:00:00Z", "2026-01-29T12:00:00Z ", "2026-01-29 12:00:00", "2026-01-29 12:00:00: ",
		"[2026-01-29 12:00:00]", "2026-01-29T12:00:00.000Z\t", "Jan 29 12:00:00",
	} {
		if e, _ := p.Parse([]byte(text)); e.Level != logs.LevelUnknown || e.Time.IsZero() {
			t.Errorf("%q is %v at %v", text, e.Level, e.Time)
		}
	}
}

// TestASentenceAfterATimeHasNoLevelByChance: words that name a level and begin a sentence
// as well, beside the forms in which they are levels.
func TestASentenceAfterATimeHasNoLevelByChance(t *testing.T) {
	p := line.NewParser(time.UTC, testNow)
	for text, want := range map[string]logs.Level{
		"I am here":                       logs.LevelUnknown,
		"I would not":                     logs.LevelUnknown,
		"I/O started":                     logs.LevelUnknown,
		"D-Bus failed":                    logs.LevelUnknown,
		"Log rotated":                     logs.LevelUnknown,
		"Notice the gap":                  logs.LevelUnknown,
		"System ready":                    logs.LevelUnknown,
		"Fine weather":                    logs.LevelUnknown,
		"Alert sent to x":                 logs.LevelUnknown,
		"http server listens":             logs.LevelUnknown,
		"a fatal flaw":                    logs.LevelUnknown,
		"I":                               logs.LevelUnknown,
		"I NETWORK  [conn1] accepted":     logs.LevelInfo,
		"I [main] started":                logs.LevelInfo,
		"I 1234 started":                  logs.LevelInfo,
		"I: started":                      logs.LevelInfo,
		"I/ActivityManager: started":      logs.LevelInfo,
		"1234  5678 I ActivityManager: x": logs.LevelInfo,
		"[I] started":                     logs.LevelInfo,
		"E lost":                          logs.LevelError,
		"E/AndroidRuntime: lost":          logs.LevelError,
		"[E] lost":                        logs.LevelError,
		"W: old":                          logs.LevelWarn,
		"NOTICE: text":                    logs.LevelInfo,
		"NOTICE text":                     logs.LevelInfo,
		"LOG text":                        logs.LevelInfo,
		"notice: text":                    logs.LevelInfo,
		"[notice] text":                   logs.LevelInfo,
		"Alert: text":                     logs.LevelFatal,
		"error reading x":                 logs.LevelError,
		"Warning, low":                    logs.LevelWarn,
	} {
		if e, _ := p.Parse([]byte("2026-01-29T12:00:00Z " + text)); e.Level != want {
			t.Errorf("%s: %v, want %v", text, e.Level, want)
		}
	}
}
