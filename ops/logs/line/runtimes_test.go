package line

import (
	"strings"
	"testing"
	"time"
)

// TestWhatRuntimesPrintBeginsAnEvent: what Go, Rust, Java, Node, .NET and PHP print by
// themselves, among another program's lines, has its own level; what only looks like it
// does not begin an event.
func TestWhatRuntimesPrintBeginsAnEvent(t *testing.T) {
	const none = ""
	for _, c := range []struct{ text, at, level, context, message string }{
		{"panic: runtime error: index out of range [1] with length 0", none, "FATAL", "", ""},
		{"fatal error: all goroutines are asleep - deadlock!", none, "FATAL", "", ""},
		{"thread 'main' panicked at src/main.rs:4:5:", none, "FATAL", "", ""},
		{"thread 'main' (4711) panicked at src/main.rs:4:5:", none, "FATAL", "", ""},
		{"thread 'tokio-1' panicked at src/main.rs:4:5:", none, "ERROR", "", ""},
		{`Exception in thread "main" java.lang.NullPointerException: x`, none, "ERROR", "", ""},
		{"(node:12) [DEP0005] DeprecationWarning: Buffer() is deprecated", none, "WARN", "", ""},
		{"(node:12) MaxListenersExceededWarning: Possible leak", none, "WARN", "", ""},
		{"(node:12) UnhandledPromiseRejectionWarning: Error: x", none, "ERROR", "", ""},
		{"fail: Shop.Orders.Worker[13]", none, "ERROR", "Shop.Orders.Worker", "Shop.Orders.Worker[13]"},
		{"trce: Shop[0] entered", none, "VERBOSE", "Shop", "entered"},
		{"dbug: Shop[0]", none, "DEBUG", "Shop", ""},
		{"crit: Shop[0]", none, "FATAL", "Shop", ""},
		{"2026-01-29 12:00:00 fail: Shop[7] no stock", "2026-01-29T12:00:00Z", "ERROR", "Shop", "no stock"},
		{"PHP Warning:  Undefined variable $x in /a.php on line 4", none, "WARN", "", ""},
		{"[29-Jan-2026 12:00:00 UTC] PHP Fatal error:  Uncaught Error", "2026-01-29T12:00:00Z", "FATAL", "", ""},
		{"[29-Jan-2026 12:00:00 Asia/Shanghai] PHP Notice:  x", "2026-01-29T04:00:00Z", "INFO", "", ""},
		{"[29-Jan-2026 12:00:00 No/Where] PHP Parse error:  x", none, "ERROR", "", ""},
		{"2026/01/29 12:00:00 http: panic serving 127.0.0.1:1: x", "2026-01-29T12:00:00Z", "ERROR", "", ""},
		{"2026/01/29 12:00:00 http: Server closed", "2026-01-29T12:00:00Z", "UNKNOWN", "", ""},
		{"2026-01-29T12:00:00Z http: GET /", "2026-01-29T12:00:00Z", "INFO", "", "GET /"},
		{`Started GET "/y" for 127.0.0.1 at 2026-01-29 12:00:00 +0800`, "2026-01-29T04:00:00Z", "UNKNOWN", "access", ""},
		{"2026-01-29 12:00:00.123  WARN 42 --- [exec-1] o.s.w.PageNotFound   : No mapping", "2026-01-29T12:00:00Z", "WARN",
			"o.s.w.PageNotFound", "No mapping"},
		{"2026-01-29 12:00:00.123 ERROR 1 --- [exec-1] o.a.C.[.[.[/].[dispatcher]    : x", "2026-01-29T12:00:00Z", "ERROR",
			"o.a.C.[.[.[/].[dispatcher]", "x"},
		{`[GIN] 2026/01/29 - 12:00:00 | 200 |     1.2345s |  127.0.0.1 | GET      "/ping"`, "2026-01-29T12:00:00Z", "INFO",
			"access", `GET      "/ping"`},
		{`[GIN] 2026/01/29 - 12:00:00 | 500 |  12.3µs | 127.0.0.1 | POST "/x"`, "2026-01-29T12:00:00Z", "ERROR", "access", ""},
		{"[2026-01-29 12:00:00,123: ERROR/Fork-1] Task x", "2026-01-29T12:00:00Z", "ERROR", "Fork-1", "Task x"},
		{"[2026-01-29T12:00:00,123][WARN ][o.e.Disk    ] [node-1] high", "2026-01-29T12:00:00Z", "WARN", "o.e.Disk",
			"[node-1] high"},
		// after the time of PM2, and the prefix of docker compose
		{"2026-01-29T12:00:00: (node:1) MaxListenersExceededWarning: x", "2026-01-29T12:00:00Z", "WARN", "", ""},
		{"2026-01-29T12:00:00: (node:1) UnhandledPromiseRejectionWarning: x", "2026-01-29T12:00:00Z", "ERROR", "", ""},
		{"2026-01-29T12:00:00: thread 'main' panicked at a.rs:1:1:", "2026-01-29T12:00:00Z", "FATAL", "", ""},
		{`2026-01-29T12:00:00: [GIN] 2026/01/29 - 11:59:59 | 500 | 1s | 10.0.0.1 | GET "/x"`, "2026-01-29T12:00:00Z", "ERROR",
			"access", `GET "/x"`},
		{`api-1  | [GIN] 2026/01/29 - 12:00:00 | 500 | 1s | 10.0.0.1 | GET "/x"`, "2026-01-29T12:00:00Z", "ERROR", "access",
			`GET "/x"`},
		{"2026-01-29T12:00:00: (node:1) is up", "2026-01-29T12:00:00Z", "UNKNOWN", "", ""},
		{"npm ERR! code ENOENT", none, "ERROR", "npm", "code ENOENT"},
		{"npm warn deprecated x", none, "WARN", "npm", "deprecated x"},
		{"2026-01-29T12:00:00.123Z  INFO 42 --- [shop] [exec-1] c.a.Pay : up : 8080", "2026-01-29T12:00:00Z", "INFO",
			"c.a.Pay", "up : 8080"},
		// ClickHouse, Fluent Bit, Sidekiq, ProxySQL, MongoDB, Uvicorn
		{"2026.01.29 12:00:00.123456 [ 7 ] {} <Information> Application: up", "2026-01-29T12:00:00Z", "INFO",
			"Application", "up"},
		{"2026.01.29 12:00:00.123456 [ 45 ] {a-1} <Error> executeQuery: Code: 60. x", "2026-01-29T12:00:00Z", "ERROR",
			"executeQuery", "Code: 60. x"},
		{"2026.01.29 12:00:00.123456 [ 45 ] {} <Trace> Access (default): x", "2026-01-29T12:00:00Z", "VERBOSE", "",
			"Access (default): x"},
		{"[2026/01/29 12:00:00] [ warn] [engine] failed to flush", "2026-01-29T12:00:00Z", "WARN", "engine",
			"failed to flush"},
		{"2026-01-29T12:00:00.123Z pid=1 tid=abc class=HardJob jid=1 INFO: start", "2026-01-29T12:00:00Z", "INFO",
			"HardJob", "start"},
		{"2026-01-29T12:00:00.123Z pid=1 tid=abc WARN: {}", "2026-01-29T12:00:00Z", "WARN", "", "{}"},
		{"2026-01-29 12:00:00 MySQL_Monitor.cpp:25:ping(): [ERROR] x", "2026-01-29T12:00:00Z", "ERROR", "", ""},
		{`{"t":{"$date":"2026-01-29T12:00:00.123+00:00"},"s":"D2","c":"INDEX","id":1,"ctx":"conn1","msg":"x"}`,
			"2026-01-29T12:00:00Z", "DEBUG", "", "x"},
		{`INFO:     10.0.0.1:51433 - "GET /boom HTTP/1.1" 500 Internal Server Error`, none, "ERROR", "access", ""},
		{`INFO:     10.0.0.1:51433 - "GET /ok HTTP/1.1" 200 OK`, none, "INFO", "access", ""},
		// SQL Server, Django, Next.js
		{"2026-01-29 12:00:00.12 Logon       Error: 18456, Severity: 14, State: 8.", "2026-01-29T12:00:00Z", "ERROR", "Logon",
			"Error: 18456, Severity: 14, State: 8."},
		{"2026-01-29 12:00:00.12 spid7s      Starting up database 'master'.", "2026-01-29T12:00:00Z", "UNKNOWN", "spid7s",
			"Starting up database 'master'."},
		{"Internal Server Error: /y", none, "ERROR", "", ""},
		{"Method Not Allowed (PUT): /y", none, "WARN", "", ""},
		{" ⨯ Error: boom", none, "ERROR", "", ""},
		{" GET /bad 500 in 8078ms", none, "ERROR", "access", "GET /bad 500 in 8078ms"},
		{" POST /ok 200 in 8ms (compile: 1ms)", none, "INFO", "access", ""},
		{`2026-01-29 12:00:00 INFO:     10.0.0.1:51433 - "GET /x HTTP/1.1" 404 Not Found`, "2026-01-29T12:00:00Z", "WARN",
			"access", ""},
	} {
		e, kind := NewParser(time.UTC, testNow).Parse([]byte(c.text))
		at := ""
		if !e.Time.IsZero() {
			at = e.Time.UTC().Truncate(time.Second).Format(time.RFC3339)
		}
		if kind != KindHead || at != c.at || e.Level.String() != c.level || e.Context != c.context ||
			c.message != "" && e.Message != c.message {
			t.Errorf("%s\n  kind %d, %s %s [%s] %q", c.text, kind, at, e.Level, e.Context, e.Message)
		}
	}
	for _, text := range []string{
		"thread 'main' is busy", "(node:x) Warning: y", "(node:1) nothing of note", "fail: no category",
		"fail: Shop[x]", "PHP is old", "npm is slow", "[GIN-debug] Listening on :8080", "PHP Warning: one space", "Started work for 3 at noon",
		"Not Found: the order", "Forbidden (again)", " GET off my lawn", " GET /x 700 in 3ms", " ⚠     goes on", "> 2 | throw x",
	} {
		e, kind := NewParser(time.UTC, testNow).Parse([]byte(text))
		if kind == KindHead || !e.Time.IsZero() {
			t.Errorf("%s: kind %d, %v", text, kind, e.Time)
		}
	}
}

// TestATimeOfDayBeginsAnEventOfUnknownTime: the day is not invented, the level is read.
func TestATimeOfDayBeginsAnEventOfUnknownTime(t *testing.T) {
	for text, level := range map[string]string{
		"12:00:01 INFO starting":                "INFO",
		"12:00:03,456 [main] WARN  c.a.Foo - x": "WARN",
		"[12:00:04] ERROR: x":                   "ERROR",
		"[12:00:05 INF] Serilog":                "INFO",
		"[12:00:05.123 FTL] Serilog":            "FATAL",
		"[12:00:05 VRB] <Shop> Serilog":         "VERBOSE",
		"10:30AM INF zerolog":                   "INFO",
		"3:04PM TRC zerolog":                    "VERBOSE",
		"1:02:03 PM ERROR failed":               "ERROR",
		"12:00:06 a line that names no level":   "UNKNOWN",
	} {
		e, kind := NewParser(time.UTC, testNow).Parse([]byte(text))
		x := NewParser(time.UTC, testNow).Explain([]byte(text))
		if kind != KindHead || !e.Time.IsZero() || e.Level.String() != level || !x.Clocked {
			t.Errorf("%s: kind %d, %v, %s", text, kind, e.Time, e.Level)
		}
	}
	for _, text := range []string{"12:00 lunch", "1:2:3 go", "[12:00:05 soon] x", "10:30AMX INF x", "12:00:00"} {
		if _, kind := NewParser(time.UTC, testNow).Parse([]byte(text)); kind == KindHead {
			t.Errorf("%s begins an event", text)
		}
	}
}

// TestAJSONLineThatWasCutIsStillAnEvent: of a line longer than what is read of one, the
// pairs before the cut count.
func TestAJSONLineThatWasCutIsStillAnEvent(t *testing.T) {
	long := strings.Repeat("y", WindowBytes)
	p := NewParser(time.UTC, testNow)
	e, kind := p.Parse([]byte(`{"time":"2026-01-29T12:00:00Z","level":"error","msg":"` + long))
	if kind != KindHead || e.Level.String() != "ERROR" || e.Time.IsZero() || e.Message != long {
		t.Errorf("kind %d, %s, %v, %d bytes of message", kind, e.Level, e.Time, len(e.Message))
	}
	// What comes after the cut is not known, and not guessed.
	e, kind = p.Parse([]byte(`{"msg":"` + long))
	if kind != KindHead || e.Level.String() != "UNKNOWN" || !e.Time.IsZero() {
		t.Errorf("kind %d, %s, %v", kind, e.Level, e.Time)
	}
	// A short object that does not end is no JSON line.
	if _, kind = p.Parse([]byte(`{"time":"2026-01-29T12:00:00Z","level":"error","msg":"y`)); kind == KindHead {
		t.Error("a short broken object begins an event")
	}
}
