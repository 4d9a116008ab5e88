package line

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
)

// stackLines are lines of the programs of a service's machine, with the level that each has.
var stackLines = map[string]logs.Level{
	`[Nest] 12  - 01/29/2026, 12:00:00 PM   ERROR [Orders] lost`:                                           logs.LevelError,
	`{"level":"warn","message":"low stock","timestamp":"2026-01-29T12:00:00.000Z"}`:                        logs.LevelWarn,
	`1:M 29 Jan 2026 12:00:00.123 # Redis is now ready to exit`:                                            logs.LevelWarn,
	`1:M 29 Jan 2026 12:00:00.123 * Ready to accept connections tcp`:                                       logs.LevelInfo,
	`2026/01/29 12:00:00 [crit] 12#12: *1 connect() to unix:/run/x failed`:                                 logs.LevelFatal,
	`10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET / HTTP/1.1" 502 157 "-" "curl/8"`:                      logs.LevelError,
	`GET /orders 404 12.3 ms - 15`:                                                                         logs.LevelWarn,
	`2026-01-29T12:00:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting`:                                  logs.LevelError,
	`2026-01-29 12:00:00 12 [Warning] Access denied for user 'a'@'b'`:                                      logs.LevelWarn,
	`[Thu Jan 29 12:00:00.123456 2026] [core:error] [pid 12:tid 34] AH00082: gone`:                         logs.LevelError,
	`E0129 12:00:00.123456    1234 file.go:123] gone`:                                                      logs.LevelError,
	`[12:00:00.123] ERROR (12): gone`:                                                                      logs.LevelError,
	`Error: Cannot find module 'x'`:                                                                        logs.LevelError,
	`2026-01-29 12:00:00.000 UTC [123] FATAL:  the database system is starting up`:                         logs.LevelFatal,
	`time="2026-01-29T12:00:00Z" level=warning msg="retry"`:                                                logs.LevelWarn,
	`2026-01-29 12:00:00 | ERROR | gone`:                                                                   logs.LevelError,
	`WARNING: This is a development server.`:                                                               logs.LevelWarn,
	`ts=2026-01-29T12:00:00.123Z caller=main.go:1 level=error component=tsdb msg="compaction failed" n=12`: logs.LevelError,
}

// before is what runtimes and process managers put before a line.
var before = []string{
	"2026-01-29T12:00:00.123456789Z ", "2026-01-29T12:00:00.123456789Z stdout F ", "2026-01-29T12:00:00: ",
	"api-1  | ", "api-1  | 2026-01-29T12:00:00.123456789Z ", "0|server   | ", "0|server   | 2026-01-29T12:00:00: ",
}

// TestALineKeepsItsLevelAfterATimeInFront: of each program, in each way of running it.
func TestALineKeepsItsLevelAfterATimeInFront(t *testing.T) {
	for text, want := range stackLines {
		for _, b := range append(before, "") {
			e, kind := NewParser(time.UTC, testNow).Parse([]byte(b + text))
			if e.Level != want || kind == KindCont {
				t.Errorf("%s%s: %v (kind %d), want %v", b, text, e.Level, kind, want)
			}
			timed := strings.Contains(b, "2026")
			if at := e.Time.UTC(); timed && (at.Hour() != 12 || at.Minute() != 0 || at.Day() != 29) {
				t.Errorf("%s%s: at %v", b, text, at)
			}
		}
	}
}

// TestRealLinesKeepTheirLevelAfterATimeInFront: the lines of real programs in testdata.
func TestRealLinesKeepTheirLevelAfterATimeInFront(t *testing.T) {
	files, err := filepath.Glob("testdata/*.log")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(text)) {
			l = strings.TrimRight(l, "\n")
			alone, kind := NewParser(time.UTC, testNow).Parse([]byte(l))
			if alone.Level == logs.LevelUnknown || kind == KindCont || strings.HasPrefix(l, "\t") {
				continue
			}
			for _, b := range before {
				if e, _ := NewParser(time.UTC, testNow).Parse([]byte(b + l)); e.Level != alone.Level {
					t.Errorf("%s: %s%s: %v, want %v", name, b, l, e.Level, alone.Level)
				}
			}
		}
	}
}

// TestATextWithASecondTimeStaysWhole: a second time that no level follows is part of the text.
func TestATextWithASecondTimeStaysWhole(t *testing.T) {
	for _, text := range []string{
		"2026-01-29 13:00:00 2026-01-29 14:00:00 late shift",
		"1769688000 rows were read",
		"20260129 is the day",
		"2026-01-30 02:00:00 is the next run",
	} {
		e, _ := NewParser(time.UTC, testNow).Parse([]byte("2026-01-29T12:00:00.123Z " + text))
		if e.Message != text || e.Level != logs.LevelUnknown || e.Time.UTC().Hour() != 12 {
			t.Errorf("%s: %q, %v at %v", text, e.Message, e.Level, e.Time)
		}
	}
}

// TestAStackAfterDockersTimeContinuesItsEvent.
func TestAStackAfterDockersTimeContinuesItsEvent(t *testing.T) {
	for _, b := range []string{"2026-01-29T12:00:00.123456789Z ", "api-1  | 2026-01-29T12:00:00.123456789Z "} {
		_, kind := NewParser(time.UTC, testNow).Parse([]byte(b + "    at Object.<anonymous> (/app/a.js:1:7)"))
		if kind != KindCont {
			t.Errorf("%s: kind %d", b, kind)
		}
	}
}
