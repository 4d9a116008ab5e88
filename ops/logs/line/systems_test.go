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

// TestSystemsWithoutAColumnOfLevels: of loghub's sets, HPC, Proxifier and HealthApp have no
// level. What is an error there, is one by its state or its word; the rest stays unknown,
// whatever its text says.
func TestSystemsWithoutAColumnOfLevels(t *testing.T) {
	for _, c := range []struct{ text, level string }{
		{"134681 node-246 unix.hw state_change.unavailable 1077804742 1 Component State Change", "UNKNOWN"},
		{"3174 switch-1 switch_module error 1077804742 1 Linkerror event interval expired", "ERROR"},
		{"30700 switch-1 switch_module bcast-error 1076189965 1 Link error", "ERROR"},
		{"3174 switch-1 gige temperature 1077804742 1 error in reading", "UNKNOWN"},
		{"[10.30 16:49:06] a.exe - shop.example:5070 open through proxy p.example:5070 HTTPS", "UNKNOWN"},
		{"[10.30 16:49:06] a.exe - shop.example:80 error : Could not connect through proxy", "ERROR"},
		{"[10.30 16:49:06] a.exe - an error : of speech", "UNKNOWN"},
		{"20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579", "UNKNOWN"},
		{"20171223-22:19:58:411|HiH_Binder|30002312|bulkSave fail errorCode = 4,errorMessage = ERR_DATA_INSERT", "UNKNOWN"},
	} {
		e, kind := NewParser(time.UTC, testNow).Parse([]byte(c.text))
		if kind != KindHead || e.Time.IsZero() || e.Level.String() != c.level {
			t.Errorf("%s: kind %d, %v, %s, want %s", c.text, kind, e.Time, e.Level, c.level)
		}
	}
}
