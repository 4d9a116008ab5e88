package line

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
)

var testNow = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// levelsOf are the levels of a file's lines that begin an event and say one.
func levelsOf(t *testing.T, name string, p *Parser) (levels []string, timed int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var flow Flow
	for l := range strings.Lines(string(text)) {
		l := []byte(strings.TrimRight(l, "\r\n"))
		e, kind := p.Parse(l)
		begins := flow.BeginsRead(p, &e, kind, l, timed == 0)
		if !begins || e.Level == logs.LevelUnknown {
			continue
		}
		levels = append(levels, e.Level.String())
		if !e.Time.IsZero() {
			timed++
		}
	}
	return levels, timed
}

// TestLinesOfRealProgramsHaveTheirLevels: what the programs were told to write, in that order.
func TestLinesOfRealProgramsHaveTheirLevels(t *testing.T) {
	const (
		python  = "FATAL ERROR WARN INFO DEBUG"
		winston = "ERROR WARN INFO INFO VERBOSE DEBUG VERBOSE"
		pino    = "FATAL ERROR WARN INFO DEBUG VERBOSE"
	)
	for name, want := range map[string]string{
		"python-basic.log": python,
		// a traceback is one event with the error before it, and with those that it came of
		"python-chained.log": "INFO ERROR ERROR ERROR WARN ERROR",
		"next-dev.log": "WARN WARN INFO INFO INFO INFO INFO INFO INFO INFO ERROR ERROR INFO INFO ERROR ERROR " +
			"INFO INFO WARN",
		"python-dashes.log": python, "python-django.log": python,
		"python-brackets.log": python, "python-colon.log": python, "python-pipe.log": python,
		"winston-simple.log": winston, "winston-json.log": winston, "winston-logstash.log": winston,
		"winston-printf.log": winston, "winston-printf-brackets.log": winston,
		"pino.log": pino, "pino-pretty-standard.log": pino, "bunyan.log": pino,
		"log4js-basic.log": pino, "log4js-pattern.log": pino,
	} {
		p := NewParser(time.UTC, testNow)
		got, timed := levelsOf(t, name, p)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
		untimed := name == "winston-simple.log" || name == "python-basic.log" || name == "python-chained.log" ||
			name == "next-dev.log"
		if !untimed && timed != len(got) {
			t.Errorf("%s: %d of %d have a time", name, timed, len(got))
		}
	}
}

// TestTheGeneralLogIsRead: statements as messages; a line of the same second as the line
// before has no time of its own, and is an event all the same.
func TestTheGeneralLogIsRead(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	text, err := os.ReadFile("testdata/mariadb-general.log")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(string(text)) {
		if e, kind := p.Parse([]byte(strings.TrimRight(l, "\n"))); e.Context == generalLog && kind == KindHead {
			got = append(got, e.Message)
		}
	}
	all := strings.Join(got, "\n")
	if len(got) != 16 || !strings.Contains(all, "\nselect count(*) from orders\n") || !strings.Contains(all, "\nInit DB app\n") {
		t.Errorf("%d statements:\n%s", len(got), all)
	}
}

// TestTheMessageOfAnErrorLogHoldsNeitherThreadNorLevel.
func TestTheMessageOfAnErrorLogHoldsNeitherThreadNorLevel(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	for text, want := range map[string]string{
		"2026-01-01 10:00:00 0 [ERROR] InnoDB: Unable to lock ./ibdata1":                             "ERROR||InnoDB: Unable to lock ./ibdata1",
		"2026-01-01 10:00:00 12 [Warning] Access denied for user 'a'@'b'":                            "WARN||Access denied for user 'a'@'b'",
		"2026-01-01T10:00:00.123456Z 0 [System] [MY-010116] [Server] mysqld 8.0.43 starting":         "INFO|Server|mysqld 8.0.43 starting",
		"2026-01-01T10:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed": "WARN|Server|CA certificate is self signed",
	} {
		e, _ := p.Parse([]byte(text))
		if got := e.Level.String() + "|" + e.Context + "|" + e.Message; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	got, timed := levelsOf(t, "mariadb-error.log", p)
	if len(got) != timed || len(got) < 20 || !strings.Contains(strings.Join(got, " "), "WARN") {
		t.Errorf("of MariaDB's error log %d lines have a level, %d a time", len(got), timed)
	}
}

// TestLinesWithTheTimeFurtherBackAreRead: a time, a level and what stays of the text. The
// forms are those of the samples that lnav and loghub publish.
func TestLinesWithTheTimeFurtherBackAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"INFO 2026-01-29 12:00:00,123 views 31 140 started":                                         "01-29 12:00:00.123 INFO views 31 140 started",
		"[ERROR] 2026-01-29 12:00:00 failed":                                                        "01-29 12:00:00.000 ERROR failed",
		"E, [2026-01-29T12:00:00.123456 #12] ERROR -- : failed":                                     "01-29 12:00:00.123 ERROR failed",
		"nova-api.log.1.2026-01-29_13:53:08 2026-01-29 12:00:00.008 25746 INFO nova.wsgi [req-1] x": "01-29 12:00:00.008 INFO 25746 INFO nova.wsgi [req-1] x",
		"MainThread::ERROR::2026-01-29 12:00:00,300::vdsm::74::vds::(run) Traceback":                "01-29 12:00:00.300 ERROR vdsm::74::vds::(run) Traceback",
		"- 1769688000 2026.01.29 R02-M1 2026-01-29-04.00.00.675872 R02-M1 RAS KERNEL FATAL data":    "01-29 12:00:00.000 FATAL 2026-01-29-04.00.00.675872 R02-M1 RAS KERNEL FATAL data",
		"- 1769688000 2026.01.29 dn228 Jan 29 04:00:00 dn228/dn228 crond[2915]: session closed":     "01-29 12:00:00.000 UNKNOWN session closed",
		"134681 node-246 unix.hw state_change.unavailable 1769688000 1 Component failed":            "01-29 12:00:00.000 UNKNOWN Component failed",
		"10000 1769688000.000541 brk(NULL) = 0x55b1":                                                "01-29 12:00:00.000 UNKNOWN brk(NULL) = 0x55b1",
		"20260129-12:0:5:606|Step_LSC|30002312|onStandStepChanged 3579":                             "01-29 12:00:05.606 UNKNOWN Step_LSC|30002312|onStandStepChanged 3579",
		"20260129.120000,672:WARN:text":                                                             "01-29 12:00:00.672 WARN text",
		"2026-029T12:00:00,672:WARN:text":                                                           "01-29 12:00:00.672 WARN text",
		"@40000000697b4ecb3b6e1a8c tcpserver: status: 5/30":                                         "01-29 12:12:49.997 UNKNOWN tcpserver: status: 5/30",
		"#+1769688000": "01-29 12:00:00.000 UNKNOWN #+1769688000",
		"#1769688000":  "01-29 12:00:00.000 UNKNOWN #1769688000",
		"===== Start of dump at Thu Jan 29 12:00:00 UTC 2026 =====":                        "01-29 12:00:00.000 UNKNOWN Start of dump at Thu Jan 29 12:00:00 UTC 2026",
		"\"2026-01-29 12:00:00\"\tuser\tINFO\tdc=openam":                                   "01-29 12:00:00.000 INFO user\tINFO\tdc=openam",
		"2026-01-29T12:00:00.5+00:00 source=node-1 2026-01-29 11:59:59,422 - WARN [a] - x": "01-29 12:00:00.500 WARN - x",
		"[2026-01-29 12:00:00] production.ERROR: no class {\"a\":1}":                       "01-29 12:00:00.000 ERROR no class {\"a\":1}",
		"1月 29 12:00:00 host app[1]: text":                                                 "01-29 12:00:00.000 UNKNOWN text",
		"août 19 11:08:37 host app[4961]: test":                                            "08-19 11:08:37.000 UNKNOWN test",
		"2026-01-29T12:00:00.5FOO err rbd lost":                                            "01-29 12:00:00.500 ERROR rbd lost",
		"2026-01-29T12:00:00.5 25376]ERROR:mod:lost":                                       "01-29 12:00:00.500 ERROR mod:lost",
		"Jan 29 12:00:00.999  000000000264F E shmem.res 262144":                            "01-29 12:00:00.999 ERROR 000000000264F E shmem.res 262144",
		"2026-01-29 12:00:00 CST [123] ERROR:  syntax error":                               "01-29 12:00:00.000 ERROR syntax error",
		"\x1b[2Kweb-1  | 2026-01-29T12:00:00.584Z ready":                                   "01-29 12:00:00.584 UNKNOWN ready",
		"2026-01-29 12:00:00 10.0.0.9 GET /robots.txt - 443 - 10.0.0.1 Mozilla/5.0 - 404 0 2 15": "01-29 12:00:00.000 WARN " +
			"GET /robots.txt - 443 - 10.0.0.1 Mozilla/5.0 - 404 0 2 15",
		"[pid: 1|app: 0|req: 1/1] 10.0.0.1 () {38 vars in 696 bytes} [Thu Jan 29 12:00:00 2026] POST /x => generated 47 bytes in 129 msecs (HTTP/1.1 500) 9": "01-29 12:00:00.000 ERROR " +
			"POST /x => generated 47 bytes in 129 msecs (HTTP/1.1 500) 9",
		"Jan 29 12:00:00 10.0.0.2 haproxy[7]: 10.0.0.3:5 [29/Jan/2026:12:00:00.1] fe be/s 0/0/7/57/1487 503 113 - - ---- {} \"GET / HTTP/1.1\"": "01-29 12:00:00.000 ERROR " +
			"10.0.0.3:5 [29/Jan/2026:12:00:00.1] fe be/s 0/0/7/57/1487 503 113 - - ---- {} \"GET / HTTP/1.1\"",
		`{"EdgeStartTimestamp":"2026-01-29T12:00:00Z","ClientRequestURI":"/","EdgeResponseStatus":503}`:                                                                                   "01-29 12:00:00.000 ERROR ",
		`{"started_at":1769688000123,"method":"GET","response":{"status":404}}`:                                                                                                           "01-29 12:00:00.123 WARN ",
		`{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{"name":"a"},"logRecords":[{"timeUnixNano":"1769688000000000000","severityNumber":17,"body":{"stringValue":"lost"}}]}]}]}`: "01-29 12:00:00.000 ERROR lost",
	} {
		e, kind := NewParser(time.UTC, testNow).Parse([]byte(text))
		got := e.Time.UTC().Format("01-02 15:04:05.000") + " " + e.Level.String() + " " + e.Message
		if got != want || kind != KindHead {
			t.Errorf("%s\n got %s (kind %d)\nwant %s", text, got, kind, want)
		}
	}
}

// TestASentenceWithADateIsNoHead: a text that mentions a moment keeps to the event before.
func TestASentenceWithADateIsNoHead(t *testing.T) {
	for _, text := range []string{
		"next run at 2026-01-30 02:00:00",
		"valid until 2027-01-01 00:00:00 UTC",
		"#1162490366 and more", "# a comment",
		"===== no time here =====",
		"@someone said so",
		"build 20240101.123 is out",
		"started 2026-01-30 02:00:00 ended 2026-01-30 03:00:00",
	} {
		if e, kind := NewParser(time.UTC, testNow).Parse([]byte(text)); kind == KindHead || !e.Time.IsZero() {
			t.Errorf("%s: kind %d at %v", text, kind, e.Time)
		}
	}
}

// TestSmallLettersInASentenceAreNoLevel, beside the forms in which they are.
func TestSmallLettersInASentenceAreNoLevel(t *testing.T) {
	for text, want := range map[string]logs.Level{
		"error rate is low":             logs.LevelUnknown,
		"Error rate is low":             logs.LevelUnknown,
		"warning lights are on":         logs.LevelUnknown,
		"debug mode is off":             logs.LevelUnknown,
		"Trace cache: 12K uops":         logs.LevelUnknown,
		"critical section entered":      logs.LevelUnknown,
		"fatal, said nobody":            logs.LevelFatal,
		"x NSURLSession HTTP load":      logs.LevelUnknown,
		"error: rate is low":            logs.LevelError,
		"error\trate is low":            logs.LevelError,
		"error  rate is low":            logs.LevelError,
		"error [main] rate is low":      logs.LevelError,
		"error Connection lost":         logs.LevelError,
		"error reading x":               logs.LevelError,
		"error connecting to 10.0.0.1":  logs.LevelError,
		"debug debugmessage":            logs.LevelDebug,
		"debug3 debugmessage":           logs.LevelDebug,
		"info server started":           logs.LevelInfo,
		"warn low stock":                logs.LevelWarn,
		"ERROR rate is low":             logs.LevelError,
		"orders - ERROR - rate is low":  logs.LevelError,
		"there is no orders - x - text": logs.LevelUnknown,
	} {
		if e, _ := NewParser(time.UTC, testNow).Parse([]byte("2026-01-29T12:00:00Z " + text)); e.Level != want {
			t.Errorf("%s: %v, want %v", text, e.Level, want)
		}
	}
}

// TestTheTimeTakenAtTheEndOfAnAccessLog: Apache's %D is in microseconds, nginx' time in seconds.
func TestTheTimeTakenAtTheEndOfAnAccessLog(t *testing.T) {
	const head = `10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET /a HTTP/1.1" 200 157 `
	for tail, want := range map[string]int64{
		`"-" "curl/8" 1234567`:  1234,
		`"-" "curl/8" 1.5`:      1500,
		`"-" "curl/8" 900`:      0,
		`"-" "curl/8" 5000 300`: -1,
		`"-" "curl/8"`:          -1,
		`"-" "agent 99999999"`:  -1,
		``:                      -1,
	} {
		if got := Took([]byte(head + tail)); got != want {
			t.Errorf("%s: %d ms, want %d", tail, got, want)
		}
	}
	s := NewShape([]byte(head+`"-" "curl/8" 100`), -1, NewParser(time.UTC, testNow))
	if slow := []byte(head + `"-" "curl/8" 2345678`); !s.HasTook || !s.IsSlow(slow) {
		t.Errorf("a line of the same shape that took 2.3 s is not slow")
	}
}
