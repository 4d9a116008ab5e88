package line

import (
	"fmt"
	"testing"
	"time"
)

// TestServersAreReadByTheirColumns: lines that PostgreSQL 15.20, haproxy 2.6.12, nginx 1.22.1,
// unbound 1.17.1, PHP-FPM 8.2 and npm 10 wrote here with the settings that their manuals and
// pgBadger name; those of Squid and auditd are of their manuals.
func TestServersAreReadByTheirColumns(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{
			`2026-11-30 10:31:00 UTC [4116]: [7-1] user=postgres,db=shop,app=psql,client=[local] ERROR:  42703: ` +
				`column "nope" does not exist at character 9`,
			`10:31:00.000 ERROR "" 42703: column "nope" does not exist at character 9 -1`,
		},
		{
			"2026-11-30 10:31:00 UTC [4101]: [9-1] user=,db=,app=,client= LOG:  00000: received fast shutdown request",
			`10:31:00.000 INFO "" 00000: received fast shutdown request -1`,
		},
		{
			"2026-11-30 10:31:01 UTC:[local]:postgres@postgres:[4144]:LOG:  00000: duration: 4555.1 ms  statement: " +
				"select 1",
			`10:31:01.000 INFO "" 00000: duration: 4555.1 ms  statement: select 1 4555`,
		},
		{
			`2026-11-30 10:31:06.929 UTC,"postgres","postgres",4518,"[local]",6b0d506a.11a6,2,"SELECT",2026-11-30 ` +
				`10:31:06 UTC,3/3,0,ERROR,42703,"column ""nope"" does not exist",,,,,,"select nope",8,,"psql","client ` +
				`backend",,0`,
			`10:31:06.929 ERROR "" column "nope" does not exist -1`,
		},
		{
			`{"timestamp":"2026-11-30 10:31:06.929 UTC","user":"postgres","pid":4518,"error_severity":"FATAL",` +
				`"state_code":"28000","message":"role \"x\" does not exist"}`,
			`10:31:06.929 FATAL "" role "x" does not exist -1`,
		},
		{
			`127.0.0.1:54638 [30/Nov/2026:10:25:52.018] f b/s1 0/0/0/0/1200 500 319 - - ---- 1/1/0/0/0 0/0 "GET /e5 ` +
				`HTTP/1.1"`,
			`10:25:52.018 ERROR "access" f b/s1 0/0/0/0/1200 500 319 - - ---- 1/1/0/0/0 0/0 "GET /e5 HTTP/1.1" 1200`,
		},
		{
			`<30>1 2026-11-30T10:25:52.018403+00:00 - haproxy 18665 - - 127.0.0.1:54622 [30/Nov/2026:10:25:51.995] f ` +
				`b/s1 0/0/2/0/2 502 124 - - ---- 1/1/0/0/0 0/0 "GET /ok HTTP/1.1"`,
			`10:25:52.018 ERROR "haproxy" 127.0.0.1:54622 [30/Nov/2026:10:25:51.995] f b/s1 0/0/2/0/2 502 124 - - ` +
				`---- 1/1/0/0/0 0/0 "GET /ok HTTP/1.1" 2`,
		},
		{
			"127.0.0.1:48026 [30/Nov/2026:10:25:52.045] t bt/s1 1/1/2 149 -- 1/1/0/0/0 0/0",
			`10:25:52.045 UNKNOWN "access" t bt/s1 1/1/2 149 -- 1/1/0/0/0 0/0 2`,
		},
		{
			"1796034352.902   3003 127.0.0.1 TCP_MISS/503 324 GET http://a/b - HIER_DIRECT/127.0.0.1 text/plain",
			`10:25:52.902 ERROR "access" 3003 127.0.0.1 TCP_MISS/503 324 GET http://a/b - HIER_DIRECT/127.0.0.1 ` +
				`text/plain 3003`,
		},
		{
			`1796034351.945 127.0.0.1 "GET /dead HTTP/1.1" 502 0.000`,
			`10:25:51.945 ERROR "access" 127.0.0.1 "GET /dead HTTP/1.1" 502 0.000 -1`,
		},
		{
			`[2026-11-30T10:25:51+00:00] 127.0.0.1 shop.example "GET /f HTTP/1.1" 404 153 0.000`,
			`10:25:51.000 WARN "access" 127.0.0.1 shop.example "GET /f HTTP/1.1" 404 153 0.000 -1`,
		},
		{
			`[30/Nov/2026:10:27:23 +0000] "GET /e" 500 1.293ms`,
			`10:27:23.000 ERROR "access" "GET /e" 500 1.293ms -1`,
		},
		{
			`2026-11-30 10:25:51 he said "GET /f" 404 times`,
			`10:25:51.000 UNKNOWN "" he said "GET /f" 404 times -1`,
		},
		{
			`- -  30/Nov/2026:10:25:50 +0000 "GET /index.php" 500`,
			`10:25:50.000 ERROR "access" "GET /index.php" 500 -1`,
		},
		{
			"[1796034349] unbound[18784:0] notice: Start of unbound 1.17.1.",
			`10:25:49.000 INFO "unbound" Start of unbound 1.17.1. -1`,
		},
		{
			"type=AVC msg=audit(1796034351.902:124): avc:  denied  { read } for  pid=1",
			`10:25:51.902 UNKNOWN "" audit(1796034351.902:124): -1`,
		},
		{
			"2026-11-30T10:27:18.391Z|error|boom",
			`10:27:18.391 ERROR "" boom -1`,
		},
		{
			"npm ERR! code ELIFECYCLE",
			`- ERROR "npm" code ELIFECYCLE -1`,
		},
	} {
		e, kind := NewParser(time.UTC, testNow.AddDate(1, 0, 0)).Parse([]byte(c.text))
		at := "-"
		if !e.Time.IsZero() {
			at = e.Time.UTC().Format("15:04:05.000")
		}
		took := Took([]byte(c.text))
		got := fmt.Sprintf("%s %v %q %s %d", at, e.Level, e.Context, e.Message, took)
		if got != c.want || kind != KindHead {
			t.Errorf("%s\n got %s (kind %d)\nwant %s", c.text, got, kind, c.want)
		}
	}
}

// TestWhatNodePrintsWithAnErrorIsOneEvent: the lines of a missing module and of a native stack
// of Node 20 continue, in a log without times too.
func TestWhatNodePrintsWithAnErrorIsOneEvent(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	for _, line := range []string{
		"Require stack:", "- /app/dist/main.js", "10: 0x10b7fb4 v8::internal::FactoryBase<…> [node]",
		"16: 0x195e476  [node]",
	} {
		if _, kind := p.Parse([]byte(line)); kind != KindCont {
			t.Errorf("%q begins an event (kind %d)", line, kind)
		}
	}
	if _, kind := p.Parse([]byte("10: retrying")); kind == KindCont {
		t.Error("a line that only begins with a number continues an event")
	}
}

// TestAnyNumberOfCarriageReturnsEndsALine: some programs write \r\r\n.
func TestAnyNumberOfCarriageReturnsEndsALine(t *testing.T) {
	for text, want := range map[string]string{"a\r": "a", "a\r\r": "a", "a\rb\r": "a\rb", "\r": "", "": ""} {
		if got := string(TrimCR([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
