package store

import (
	"testing"
	"time"

	"opsdeck/ops/logs/line"
)

func TestLastTroubleSaysWhyAndWhen(t *testing.T) {
	now := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	old := "[Nest] 1  - 01/29/2026, 08:00:00 AM   ERROR [DB] Unable to connect to the database\n"
	fine := "[Nest] 1  - 01/29/2026, 11:00:00 AM     LOG [App] all well\n"
	for name, c := range map[string]struct {
		text  string
		cause line.Cause
		port  int
		at    time.Time
	}{
		"none":    {fine, "", 0, time.Time{}},
		"stamped": {old + fine, line.TroubleDatabase, 0, now.Add(-4 * time.Hour)},
		"port": {fine + "Error: listen EADDRINUSE: address already in use :::3000\n    at Server\nNode.js " +
			"v20.1.0\n", line.TroublePort, 3000, now},
		"port ipv4": {"Error: listen EADDRINUSE: address already in use 127.0.0.1:3000\n", line.TroublePort, 3000, now},
		"module": {"Error: Cannot find module '@nestjs/core'\nRequire stack:\n  code: " +
			"'MODULE_NOT_FOUND',\n}\n\nNode.js v20.1.0\n", line.TroubleModule, 0, now},
		"login": {"Error: Access denied for user 'q'@'172.18.0.1' (using password: YES)\n", line.TroubleLogin, 0, now},
		"heap":  {"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n", line.TroubleMemory, 0, now},
		"disk":  {"Error: ENOSPC: no space left on device, write\n    at writeSync\n", line.TroubleDisk, 0, now},
		"disk of the server": {"QueryFailedError: Disk full (/tmp/#sql-1); waiting for someone to free some space... (errno: 28 " +
			"\"No space left on device\")\n", line.TroubleDisk, 0, now},
		"crash":      {"/srv/a.js:3\nTypeError: x is not a function\n    at f\n\nNode.js v22.0.0\n", line.TroubleOther, 0, now},
		"recovered":  {"TypeError: x\n\nNode.js v22.0.0\n" + fine, line.TroubleOther, 0, now},
		"no crash":   {"TypeError: handled\n" + fine, "", 0, time.Time{}},
		"user's own": {fine + "Access denied for user Zhang to ORDER:1\n", "", 0, time.Time{}},
	} {
		got, ok := line.LastTrouble([]byte(c.text), line.NewParser(time.UTC, now), now, false)
		if ok != (c.cause != "") || got.Cause != c.cause || got.Port != c.port || !got.At.Equal(c.at) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	text := []byte(fine + "TypeError: x is not a function\n    at f\n")
	if got, ok := line.LastTrouble(text, line.NewParser(time.UTC, now), now, false); ok {
		t.Errorf("of a process that runs: %+v", got)
	}
	got, ok := line.LastTrouble(text, line.NewParser(time.UTC, now), now, true)
	if !ok || got.Text != "TypeError: x is not a function" || !got.At.Equal(now) {
		t.Errorf("of a process that ended: %+v", got)
	}
}

// TestTroubleIsQuotedWithoutTimeAndLevel: what a line says, from each form of the field.
func TestTroubleIsQuotedWithoutTimeAndLevel(t *testing.T) {
	now := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		`{"context":"BankGateway","error":{"message":"timeout of 5000ms exceeded","stack":"Error: t\n    at x"},"level":"ERROR",` +
			`"message":"External API call failed: https://b/pay","timestamp":"2026-01-29T11:59:00Z"}`: "[BankGateway] External API call " +
			"failed: https://b/pay: timeout of 5000ms exceeded",
		"[Nest] 1  - 01/29/2026, 11:59:00 AM   ERROR [DB] Unable to connect to the database. Retrying (1)...": "[DB] Unable to " +
			"connect to the database. Retrying (1)...",
		"Error: ENOSPC: no space left on device, write":               "ENOSPC: no space left on device, write",
		"TypeError: x is not a function\n    at f\n\nNode.js v22.0.0": "TypeError: x is not a function",
	} {
		got, ok := line.LastTrouble([]byte(text+"\n"), line.NewParser(time.UTC, now), now, false)
		if !ok || got.Said != want {
			t.Errorf("%q, want %q", got.Said, want)
		}
	}
}
