package store

import (
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
)

// TestTheTimeOfALineIsRead: the forms of other programs, each with the level that the
// line says.
func TestTheTimeOfALineIsRead(t *testing.T) {
	for line, want := range map[string]string{
		"2026-01-29T12:00:00+0530 INFO a":                                           "2026-01-29T06:30:00Z INFO",
		"2026-01-29T12:00:00-03:30 INFO b":                                          "2026-01-29T15:30:00Z INFO",
		"2026-01-29T12:00:00+08 INFO c":                                             "2026-01-29T04:00:00Z INFO",
		"2026-01-29 12:00:00 +08:00 INFO d":                                         "2026-01-29T04:00:00Z INFO",
		"2026-01-29T12:00:00z INFO f":                                               "2026-01-29T12:00:00Z INFO",
		"2026-01-29t12:00:00Z INFO g":                                               "2026-01-29T12:00:00Z INFO",
		"2026-01-29 12:00:00 GMT+8 INFO i":                                          "2026-01-29T04:00:00Z INFO",
		"2026-01-29 12:00:00 UTC INFO k":                                            "2026-01-29T12:00:00Z INFO",
		"2026-01-29 12:00:00 PDT INFO":                                              "2026-01-29T19:00:00Z INFO",
		"2026-01-29_12:00:00 INFO l":                                                "2026-01-29T12:00:00Z INFO",
		"2026/01/29 12:00:00.123456 INFO m":                                         "2026-01-29T12:00:00.123Z INFO",
		"2026-01-29T12:00 INFO n":                                                   "2026-01-29T12:00:00Z INFO",
		"2026-01-29 12:00:00:123 INFO o":                                            "2026-01-29T12:00:00.123Z INFO",
		"20260129T120000Z INFO p":                                                   "2026-01-29T12:00:00Z INFO",
		"2026.01.29 12:00:00 INFO q":                                                "2026-01-29T12:00:00Z INFO",
		"29/Jan/2026:12:00:00 +0800 INFO r":                                         "2026-01-29T04:00:00Z INFO",
		"29 Jan 2026 12:00:00 INFO s":                                               "2026-01-29T12:00:00Z INFO",
		"Jan 29, 2026 12:00:00 PM INFO t":                                           "2026-01-29T12:00:00Z INFO",
		"Thu Jan 29 12:00:00 2026 INFO u":                                           "2026-01-29T12:00:00Z INFO",
		"Thu Jan 29 12:00:00 CST 2026 INFO u":                                       "2026-01-29T12:00:00Z INFO",
		"Thu, 29 Jan 2026 12:00:00 GMT INFO v":                                      "2026-01-29T12:00:00Z INFO",
		"2026年1月29日 12:00:00 INFO w":                                                "2026-01-29T12:00:00Z INFO",
		"1769659200 INFO x":                                                         "2026-01-29T04:00:00Z INFO",
		"1769659200.123 INFO y":                                                     "2026-01-29T04:00:00.123Z INFO",
		"1769659200123: ERROR z":                                                    "2026-01-29T04:00:00.123Z ERROR",
		"12:00:00.123 INFO za":                                                      "- INFO",
		"2026-02-30 10:00:00 INFO no such day":                                      "- INFO",
		"2026-01-29 24:00:01 INFO no such hour":                                     "- INFO",
		"28-11-2025 22:19:14.123: server started":                                   "2025-11-28T22:19:14.123Z UNKNOWN",
		"2014-11-29 11:36 +08:00: [ERROR] db down":                                  "2014-11-29T03:36:00Z ERROR",
		"2026-01-29  2:03:04 0 [ERROR] mysqld: x":                                   "2026-01-29T02:03:04Z ERROR",
		"2026-01-29T12:00:00.123456Z 0 [System] [MY-010931] up":                     "2026-01-29T12:00:00.123Z INFO",
		"130809  2:00:00 [Warning] old MySQL":                                       "2013-08-09T02:00:00Z WARN",
		"2026/01/29 12:00:02 [emerg] 1#1: bind() failed":                            "2026-01-29T12:00:02Z FATAL",
		"1:M 29 Jan 2026 12:00:01.124 # WARNING overcommit":                         "2026-01-29T12:00:01.124Z WARN",
		"12:S 29 Jan 2026 12:00:02.000 - Accepted":                                  "2026-01-29T12:00:02Z VERBOSE",
		"<34>Jan 11 22:14:15 mymachine su: root failed":                             "2026-01-11T22:14:15Z FATAL",
		"<165>1 2003-10-11T22:14:15.003Z m.example.com e - ID47 [a@1 b=\"3\"] text": "2003-10-11T22:14:15.003Z INFO",
		"E0129 11:00:00.123456    1234 file.go:123] text":                           "2026-01-29T11:00:00.123Z ERROR",
		"01-29 11:13:38.811  1702  2395 W WindowManager: x":                         "2026-01-29T11:13:38.811Z WARN",
		"081109 203615 148 INFO dfs.DataNode$PacketResponder: x":                    "2008-11-09T20:36:15Z INFO",
		"17/06/09 20:10:40 ERROR executor.Executor: x":                              "2017-06-09T20:10:40Z ERROR",
		"2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop: x":                  "2015-10-18T18:01:47.978Z INFO",
		"2015-07-29 17:41:44,747 - WARN  [Quorum:x@774] - y":                        "2015-07-29T17:41:44.747Z WARN",
		"2016-09-28 04:30:30, Info                  CBS    Loaded":                  "2016-09-28T04:30:30Z INFO",
		"20171223-22:15:29:606|Step_LSC|30002312|x":                                 "2017-12-23T22:15:29.606Z UNKNOWN",
		"[Sun Dec 04 04:47:44 2005] [error] mod_jk child":                           "2005-12-04T04:47:44Z ERROR",
		`10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET / HTTP/1.1" 502 157`:        "2026-01-29T04:00:00Z ERROR",
		`::1 - bob [29/Jan/2026:12:05:00 +0000] "GET /x HTTP/1.1" 404 12 "-" "c"`:   "2026-01-29T12:05:00Z WARN",
		"api-1  | 2026-01-29T12:00:00Z ERROR x":                                     "2026-01-29T12:00:00Z ERROR",
		"0|server   | 2017-03-25 18:29:46.4920: [ERROR] db down":                    "2017-03-25T18:29:46.492Z ERROR",
		"\xef\xbb\xbf2026-01-29T12:00:00Z INFO one":                                 "2026-01-29T12:00:00Z INFO",
		"\x00\x00\x002026-01-29T12:00:00Z ERROR after nul":                          "2026-01-29T12:00:00Z ERROR",
		"Jan 29 11:00:00 host mysqld[12]: 2026-01-29T11:00:00Z 0 [ERROR] Aborting":  "2026-01-29T11:00:00Z ERROR",
	} {
		for _, text := range []string{line, line + "\n" + line} { // the second by its shape
			p := logline.NewParser(time.UTC, testNow)
			b := logindex.NewBuilder(logline.NewShapes(), p, false)
			blk, err := b.Build(inMemory(text+"\n"), 0, int64(len(text)+1))
			if err != nil {
				t.Fatal(err)
			}
			last := blk.Lines() - 1
			if !blk.Heads.Has(last) {
				t.Errorf("%s: is no head", line)
			}
			got := "-"
			if ms := blk.Times.At(last); ms != logline.Unset {
				got = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
			}
			got += " " + b.Shape(blk.Shapes.At(last)).Level.String()
			if got != want {
				t.Errorf("%s: %s, want %s", line, got, want)
			}
		}
	}
}

// TestALineThatSaysNoReadableTimeHasNone: not that of the line before.
func TestALineThatSaysNoReadableTimeHasNone(t *testing.T) {
	events := eventsOf(t, `{"time":"2026-01-29T04:00:00Z","level":"info","msg":"a"}
{"time":"Thu, 29 Jan 2026 12:00:00 GMT","level":"error","msg":"8 h later"}
{"time":"no time","level":"error","msg":"b"}
{"level":"info","msg":"none at all"}
2026-13-41 10:00:00 ERROR no such month
2026-01-29T12:30:00Z INFO again
`)
	var got []string
	for _, e := range events {
		if e.Time.IsZero() {
			got = append(got, "-")
		} else {
			got = append(got, e.Time.UTC().Format("15:04"))
		}
	}
	if want := "04:00 12:00 - - - 12:30"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestJSONOfOtherLoggersIsRead: time, level and message of each.
func TestJSONOfOtherLoggersIsRead(t *testing.T) {
	for line, want := range map[string]string{
		`{"timeMillis":1769659200123,"level":"ERROR","message":"log4j2"}`:                                "04:00:00.123 ERROR log4j2",
		`{"instant":{"epochSecond":1769659200,"nanoOfSecond":123000000},"level":"WARN"}`:                 "04:00:00.123 WARN ",
		`{"t":{"$date":"2026-01-29T12:00:00.000+08:00"},"s":"E","c":"NETWORK","msg":"mongo"}`:            "04:00:00.000 ERROR mongo",
		`{"time":"1769659200123","level":"info","msg":"in text"}`:                                        "04:00:00.123 INFO in text",
		`{"time":1.769659200123e9,"level":"info","msg":"exp"}`:                                           "04:00:00.123 INFO exp",
		`{"asctime":"2026-01-29 04:00:00,123","levelname":"ERROR","message":"py"}`:                       "04:00:00.123 ERROR py",
		`{"@t":"2026-01-29T04:00:00Z","@l":"Warning","@mt":"clef"}`:                                      "04:00:00.000 WARN clef",
		`{"version":"1.1","short_message":"gelf","level":3,"timestamp":1769659200.12}`:                   "04:00:00.120 ERROR gelf",
		`{"__REALTIME_TIMESTAMP":"1769659200123456","PRIORITY":"3","MESSAGE":"boom"}`:                    "04:00:00.123 ERROR boom",
		`{"Timestamp":"2026-01-29T04:00:00Z","Level":"ERROR","Message":"Cap"}`:                           "04:00:00.000 ERROR Cap",
		`{"timeUnixNano":"1769659200123456789","severityNumber":17,"body":"otlp"}`:                       "04:00:00.123 ERROR otlp",
		`{"reqId":"x","level":1,"time":"2026-01-29T04:00:00+00:00","app":"a","message":"next"}`:          "04:00:00.000 INFO next",
		`{"level":30,"time":1769659200123,"pid":1,"hostname":"h","msg":"pino"}`:                          "04:00:00.123 INFO pino",
		`{"@fields":{"context":"C","level":"error"},"@message":"w","@timestamp":"2026-01-29T04:00:00Z"}`: "04:00:00.000 ERROR w",
		`{"level":{"name":"error"},"msg":"nested","time":1769659200}`:                                    "04:00:00.000 ERROR nested",

		`{"message":"[Nest] 1  - 01/29/2026, 4:00:00 AM   ERROR [O] failed\n","timestamp":"2026-01-29T04:00:00.5Z",` +
			`"type":"out","process_id":0,"app_name":"jl"}`: "04:00:00.500 ERROR failed",
		`{"message":"[Nest] 1  - 01/29/2026, 4:00:00 AM     LOG [O] a\n[Nest] 1  - 01/29/2026, 4:00:00 AM   FATAL [O] b\n",` +
			`"timestamp":"2026-01-29T04:00:00.5Z","type":"out","process_id":0,"app_name":"jl"}`: "04:00:00.500 FATAL a\n" +
			"[Nest] 1  - 01/29/2026, 4:00:00 AM   FATAL [O] b",
		`{"message":"[Nest] 1  - 01/29/2026, 4:00:00 AM     LOG [O] of\nError: told\n",` +
			`"timestamp":"2026-01-29T04:00:00.5Z","type":"out","process_id":0,"app_name":"jl"}`: "04:00:00.500 INFO of\nError: told",
	} {
		e, kind := logline.NewParser(time.UTC, testNow).Parse([]byte(line))
		if got := e.Time.UTC().Format("15:04:05.000") + " " + e.Level.String() + " " + e.Message; got != want ||
			kind != logline.KindHead {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestTheLevelIsFoundAfterAThreadOrATag.
func TestTheLevelIsFoundAfterAThreadOrATag(t *testing.T) {
	for text, want := range map[string]logs.Level{
		"ERROR a": logs.LevelError, "error b": logs.LevelError, "[error] d": logs.LevelError, ", ERROR e": logs.LevelError, "- ERROR - f": logs.LevelError,
		"app ERROR g": logs.LevelError, "[main] ERROR h": logs.LevelError, "(main) ERROR i": logs.LevelError, "1234 ERROR j": logs.LevelError,
		"\tERROR\tk": logs.LevelError, "|ERROR| l": logs.LevelError, "| ERROR | m": logs.LevelError, "<error> n": logs.LevelError, "E o": logs.LevelError,
		"level=error msg=p": logs.LevelError, "[ERROR]: r": logs.LevelError, "(ERROR) s": logs.LevelError, "host app[123]: ERROR t": logs.LevelError,
		"**ERROR** u": logs.LevelError, "错误 w": logs.LevelError, "[main] [ERROR] x": logs.LevelError, "[main] [worker] ERROR y": logs.LevelError,
		"25746 INFO nova.osapi z": logs.LevelInfo,
		"order saved":             logs.LevelUnknown, "I am here": logs.LevelUnknown,
		"retry after a failure that was no ERROR": logs.LevelUnknown,
		"GET /errors/ERROR 200":                   logs.LevelUnknown,
	} {
		e, _ := logline.NewParser(time.UTC, testNow).Parse([]byte("2026-01-29 12:00:00 " + text))
		if e.Level != want {
			t.Errorf("%q: %s, want %s", text, e.Level, want)
		}
	}
}
