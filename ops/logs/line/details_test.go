package line

import (
	"strings"
	"testing"
	"time"
)

// TestFieldsOfServersAreRead: lines in the forms of nginx 1.22, Apache 2.4, Linux 6.1, log15,
// Serilog's CLEF and log4js 6.
func TestFieldsOfServersAreRead(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{
			`2026/11/30 12:00:00 [error] 12#34: *1 upstream timed out (110: Connection timed out), client: 10.0.0.9, ` +
				`server: _, request: "GET /x?a=1, b HTTP/1.1", upstream: "http://127.0.0.1:3000/x", host: "h"`,
			`ERROR  pid=12 client=10.0.0.9 server=_ request=GET /x?a=1, b HTTP/1.1 upstream=http://127.0.0.1:3000/x host=h`,
		},
		{`2026/11/30 12:00:00 [notice] 1#1: signal 1 (SIGHUP) received from 12, reconfiguring`, `INFO  pid=1`},
		{
			`[Mon Nov 30 12:00:00.123456 2026] [proxy:error] [pid 12:tid 34] [client 10.0.0.9:56] AH00898: Error`,
			`ERROR proxy pid=12 tid=34 client=10.0.0.9:56`,
		},
		{`[Mon Nov 30 12:00:00.123456 2026] [mpm_event:notice] [pid 12:tid 34] AH00489: configured`,
			`INFO mpm_event pid=12 tid=34`},
		{
			`10.0.0.9 - - [30/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 12 "-" "curl/8" 1.234 0.900`,
			`INFO access client=10.0.0.9 request=GET /x HTTP/1.1 status=200 bytes=12 took_ms=1234`,
		},
		{
			`10.0.0.9 - - [30/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 499 0 "-" "curl/8" 60.001 -`,
			`WARN access client=10.0.0.9 request=GET /x HTTP/1.1 status=499 bytes=0 took_ms=60001`,
		},
		{
			`10.0.0.9 - - [30/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 12 "-" "curl/8" rt=0.250 urt="0.1"`,
			`INFO access client=10.0.0.9 request=GET /x HTTP/1.1 status=200 bytes=12 took_ms=250`,
		},
		{
			`shop.example:443 10.0.0.9 - - [30/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 12`,
			`INFO access client=10.0.0.9 request=GET /x HTTP/1.1 status=200 bytes=12`,
		},
		{
			`{"time_iso8601":"2026-11-30T20:00:00+08:00","status":502,"request":"GET /x HTTP/1.1"}`,
			`ERROR  status=502 request="GET /x HTTP/1.1" GET /x HTTP/1.1`,
		},
		{`Nov 30 12:00:00 db1 kernel: [12.345678] Out of memory: Killed process 12 (mysqld)`, `ERROR kernel`},
		{`2026-11-30T12:00:00.000000+00:00 db1 kernel: Kernel panic - not syncing: x`, `FATAL kernel`},
		{`Nov 30 12:00:00 db1 kernel: [12.3] audit: type=1400`, `UNKNOWN kernel`},
		{`Nov 30 12:00:00 db1 cron[12]: (root) CMD (x)`, `UNKNOWN cron pid=12`},
		{`2026/11/30 12:00:00 http: panic serving 10.0.0.9:56: boom`, `ERROR `},
		{`t=2026-11-30T12:00:00+0000 lvl=eror msg=x`, `ERROR `},
		{`{"@t":"2026-11-30T12:00:00.0000000Z","@mt":"Order {Id} made","Id":4}`, `INFO  Id=4`},
		{`{"@t":"2026-11-30T12:00:00.0000000Z","@mt":"Order {Id} made","@l":"Warning","Id":4}`, `WARN  Id=4`},
		{
			`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1796040000123456789","severityNumber":17,` +
				`"body":{"stringValue":"x"},"attributes":[{"key":"orderId","value":{"intValue":"456"}},` +
				`{"key":"who","value":{"stringValue":"a, b"}}]}]}]}]}`,
			`ERROR  orderId="456" who="a, b"`,
		},
		{`[2026-11-30T12:00:00.123] [WARN] cheese - Cheese smells - a bit`, `WARN cheese`},
		{`[2026-11-30T12:00:00.123] [WARN] no category - here`, `WARN `},
	} {
		p := NewParser(time.UTC, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		e, kind := p.Parse([]byte(c.text))
		got := e.Level.String() + " " + e.Context
		for _, f := range e.Fields {
			got += " " + f.Key + "=" + f.Value
		}
		if c.text[0] == '{' && e.Fields[len(e.Fields)-1].Key == "request" {
			got += " " + e.Message
		}
		if got != c.want || kind != KindHead || e.Time.Hour() != 12 {
			t.Errorf("%s\n got %s (%v, kind %d)\nwant %s", c.text, got, e.Time, kind, c.want)
		}
	}
}

// TestAQueryThatFailedIsAnError: as TypeORM 0.3 and Prisma 5 print it, whole and apart from what
// Nest writes around it.
func TestAQueryThatFailedIsAnError(t *testing.T) {
	got := postgresEvents("[Nest] 1  - 11/30/2026, 12:00:00 PM     LOG [X] a\n" +
		"query failed: SELECT * FROM orders -- PARAMETERS: [1]\n" +
		"prisma:error \nInvalid `prisma.order.create()` invocation:\n\n\nUnique constraint failed\n" +
		"[Nest] 1  - 11/30/2026, 12:00:01 PM     LOG [X] b\n")
	want := "INFO 1 a |ERROR query failed: SELECT * FROM orders -- PARAMETERS: [1] |ERROR prisma:error  ++++|INFO 1 b "
	if is := strings.Join(got, "|"); is != want {
		t.Errorf("%s\nwant %s", is, want)
	}
}
