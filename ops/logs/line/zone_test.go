package line

import (
	"testing"
	"time"

	"opsdeck/ops/logs"
)

// TestZonesThatAreClearAreRead: the moment in UTC and the text after the zone.
func TestZonesThatAreClearAreRead(t *testing.T) {
	kolkata := time.FixedZone("IST", 19800)
	for text, want := range map[string]string{
		"2026-01-29 10:00:00 GMT-3:30 text":                 "13:30:00 text",
		"2026-01-29 10:00:00 UTC+5:30 text":                 "04:30:00 text",
		"2026-01-29 10:00:00 GMT+530 text":                  "04:30:00 text",
		"2026-01-29 10:00:00 GMT+0530 text":                 "04:30:00 text",
		"2026-01-29 10:00:00 GMT+8 text":                    "02:00:00 text",
		"2026-01-29 10:00:00.000 [GMT+08:00] INFO text":     "02:00:00 text",
		"2026-01-29 10:00:00.000 [UTC] INFO text":           "10:00:00 text",
		"2026-01-29 10:00:00 (GMT+8) INFO text":             "02:00:00 text",
		"2026-01-29 18:00:09 Z INFO text":                   "18:00:09 text",
		"2026-01-29 10:00:00.123 -03 [12] LOG:  text":       "13:00:00 text",
		"2026-01-29 10:00:00 +08 INFO text":                 "02:00:00 text",
		"2026-01-29 10:00:00+8 INFO text":                   "02:00:00 text",
		"2026-01-29 10:00:00-03 text":                       "13:00:00 text",
		"2026-01-29 10:00:00 +0530 text":                    "04:30:00 text",
		"2026-01-29 10:00:00 -10 degrees":                   "04:30:00 -10 degrees",
		"2026-01-29 10:00:00 Z axis moved":                  "04:30:00 Z axis moved",
		"2026-01-29 10:00:00 +8 points":                     "04:30:00 +8 points",
		`{"time":"2026-01-29 10:00:00 -03","msg":"text"}`:   "13:00:00 text",
		`{"time":"2026-01-29 10:00:00 Z","msg":"text"}`:     "10:00:00 text",
		`{"time":"2026-01-29 10:00:00+5:30","msg":"text"}`:  "04:30:00 text",
		`{"time":"2026-01-29 10:00:00 GMT-3:30","msg":"t"}`: "13:30:00 t",
	} {
		e, _ := NewParser(kolkata, testNow).Parse([]byte(text))
		if got := e.Time.UTC().Format("15:04:05") + " " + e.Message; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestColouredLevelsAreRead: as winston's colorize leaves them in JSON and in prettyPrint.
func TestColouredLevelsAreRead(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	e, _ := p.Parse([]byte(`{"level":"\u001b[31merror\u001b[39m","message":"failed"}`))
	if e.Level != logs.LevelError || e.Message != "failed" {
		t.Errorf("JSON: %s %q", e.Level, e.Message)
	}
	e, _, _, ok := p.Record("{\n  level: '\\x1B[32minfo\\x1B[39m',\n  message: 'started'\n}\n")
	if !ok || e.Level != logs.LevelInfo || e.Message != "started" {
		t.Errorf("prettyPrint: %v %s %q", ok, e.Level, e.Message)
	}
	e, _ = p.Parse([]byte(`{ level: '\x1B[33mwarn\x1B[39m', message: 'slow' }`))
	if e.Level != logs.LevelWarn || e.Message != "slow" {
		t.Errorf("one line: %s %q", e.Level, e.Message)
	}
}

// TestPinoHTTPSaysHowLongARequestTook: in ms, without a unit.
func TestPinoHTTPSaysHowLongARequestTook(t *testing.T) {
	for text, want := range map[string]int64{
		`{"level":30,"req":{"url":"/"},"responseTime":1234,"msg":"request completed"}`: 1234,
		`{"responseTime": 12.7}`:      12,
		`{"responseTime":"1500 ms"}`:  1500,
		`{"responseTime":"1.5s"}`:     1500,
		`{"responseTime":null}`:       -1,
		`{"request_time":"0.250"}`:    250,
		`{"msg":"took 3s","rt":"no"}`: 3000,
	} {
		if got := Took([]byte(text)); got != want {
			t.Errorf("%s: %d ms, want %d", text, got, want)
		}
	}
	slow := []byte(`{"level":30,"responseTime":1000,"msg":"request completed"}`)
	if waysIn(slow)&everyWay == 0 || Took(slow) < SlowMS {
		t.Error("a slow request is not slow")
	}
}
