package line

import (
	"testing"
	"time"
)

func TestLinesOfFurtherSystemsHaveTheirTimeAndLevel(t *testing.T) {
	for _, c := range []struct{ text, at, level, message string }{
		{"[2026-01-29T12:00:00Z ERROR pay] no connection", "2026-01-29T12:00:00Z", "ERROR", "no connection"},
		{"[3574] 13 Apr 12:52:30.731 # Sentinel is up", "2026-04-13T12:52:30Z", "WARN", "Sentinel is up"},
		{"7:signal-handler (1769688001) Received SIGTERM scheduling shutdown...", "2026-01-29T12:00:01Z", "WARN",
			"Received SIGTERM scheduling shutdown..."},
		{"(Thu Jan 29 12:00:00 2026) [pam] [start] (0x0100): up", "2026-01-29T12:00:00Z", "UNKNOWN", ""},
		{"E [29/Jan/2026:12:00:00 +0800] no printer", "2026-01-29T04:00:00Z", "ERROR", "no printer"},
		{"I20260129 12:00:00.089828 400441 config.cc:27] loading", "2026-01-29T12:00:00Z", "INFO", "loading"},
		{"INFO   | jvm 1    | 2026/01/29 12:00:00 | wrapped", "2026-01-29T12:00:00Z", "INFO", "wrapped"},
		{"https 2026-01-29T12:00:00.083065Z app/lb/50dc6c49 10.0.0.1:2817 200", "2026-01-29T12:00:00Z", "", ""},
		{"2026-01-29T12:00:00.001Z debug wcp [auth/session.go:156] removing", "2026-01-29T12:00:00Z", "DEBUG", ""},
		{"01-29 12:00:00.870 V/Configuration( 1766): updated", "2026-01-29T12:00:00Z", "VERBOSE", "updated"},
		{`{"timestamp_ns":"1769688000000000000","severity":"INFO","body":"up"}`, "2026-01-29T12:00:00Z", "INFO", "up"},
		{`{"_time":"2026-01-29T12:00:00Z","_msg":"started","level":"warn"}`, "2026-01-29T12:00:00Z", "WARN", "started"},
		// and what only looks like them
		{"2026-01-29T12:00:00Z debug output is on", "2026-01-29T12:00:00Z", "UNKNOWN", ""},
		{"[3574] 13 apples", "", "", ""},
		{"https is required since 2026-01-29 12:00:00", "", "", ""},
		{"E [never] text", "", "", ""},
		{"7:signal-handler (soon) Received", "", "", ""},
	} {
		e, _ := NewParser(time.UTC, testNow).Parse([]byte(c.text))
		at := ""
		if !e.Time.IsZero() {
			at = e.Time.UTC().Truncate(time.Second).Format(time.RFC3339)
		}
		if at != c.at || c.level != "" && e.Level.String() != c.level || c.message != "" && e.Message != c.message {
			t.Errorf("%s\n  %s %s %q", c.text, at, e.Level, e.Message)
		}
	}
}
