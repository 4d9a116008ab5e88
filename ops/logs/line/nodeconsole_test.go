package line

import (
	"strings"
	"testing"
	"time"
)

// TestConsoleLoggersOfNodeHaveTheirLevels: what the real programs wrote.
func TestConsoleLoggersOfNodeHaveTheirLevels(t *testing.T) {
	const (
		consola = "INFO ERROR ERROR WARN INFO INFO DEBUG "
		signale = "ERROR FATAL INFO INFO INFO INFO INFO WARN INFO INFO INFO INFO INFO DEBUG INFO INFO INFO ERROR ERROR"
	)
	for name, want := range map[string]string{
		"consola-fancy.log": consola + "FATAL ERROR INFO",
		"consola-basic.log": consola + "VERBOSE FATAL INFO ERROR INFO",
		"signale.log":       signale, "signale-color.log": signale, "signale-bare.log": signale,
		"roarr.log":         "VERBOSE DEBUG INFO WARN ERROR FATAL ERROR",
		"winston-dates.log": strings.TrimSpace(strings.Repeat("ERROR WARN INFO INFO VERBOSE DEBUG VERBOSE ", 9)),
		"log4js-dates.log":  strings.TrimSpace(strings.Repeat("FATAL ERROR WARN INFO DEBUG VERBOSE ", 8)),
		"pm2-daemon.log":    strings.TrimSpace(strings.Repeat("INFO ", 21) + "WARN " + strings.Repeat("INFO INFO WARN ", 6)),
	} {
		p := NewParser(time.UTC, testNow.AddDate(0, 0, 1))
		got, timed := levelsOf(t, name, p)
		if strings.Join(got, " ") != want {
			t.Errorf("%s:\n got %s\nwant %s", name, strings.Join(got, " "), want)
		}
		all := len(got)
		switch name {
		case "log4js-dates.log":
			all -= 6 // of the time of day alone
		case "consola-fancy.log", "consola-basic.log", "signale-bare.log":
			all = 0
		}
		if timed != all {
			t.Errorf("%s: %d of %d have a time", name, timed, all)
		}
	}
}

// TestDatesOfNodeLoggersAreRead: the moment itself.
func TestDatesOfNodeLoggersAreRead(t *testing.T) {
	p := NewParser(time.UTC, testNow.AddDate(0, 0, 1))
	for text, want := range map[string]string{
		"Dec-01-2026 06:21:54 error: x":                                               "12-01 06:21:54.000 ERROR|x",
		"2026/12/01-06.21.57.602 ERROR x":                                             "12-01 06:21:57.602 ERROR|x",
		"2026/12/01-06:21:55 error: x":                                                "12-01 06:21:55.000 ERROR|x",
		"01.12.26 06:21:55 ERROR x":                                                   "12-01 06:21:55.000 ERROR|x",
		"Tuesday, December 1st 2026, 6:21:56 am error: x":                             "12-01 06:21:56.000 ERROR|x",
		"[ERROR][2026-12-01 06:21:57.615] x":                                          "12-01 06:21:57.615 ERROR|x",
		"<2026-12-01 06:21:57> ERROR x":                                               "12-01 06:21:57.000 ERROR|x",
		"2026-12-01 06:21:57;ERROR;x":                                                 "12-01 06:21:57.000 ERROR|x",
		"2026-12-01 06:21:57 Asia/Shanghai ERROR x":                                   "11-30 22:21:57.000 ERROR|x",
		"2026-12-01 06:21:57 Asia/Nowhere ERROR x":                                    "none ERROR|x",
		"2026-12-01 06:21:57 orders/list ERROR x":                                     "12-01 06:21:57.000 ERROR|orders/list ERROR x",
		"[12/1/2026] [6:19:28 PM] [gen.js] › ✖  error     bad":                        "12-01 18:19:28.000 ERROR|bad",
		"[2026/12/1] [18:19:28] [gen.js] › ✖  error     bad":                          "12-01 18:19:28.000 ERROR|bad",
		"[E 261201 02:30:00 web:12] x":                                                "12-01 02:30:00.000 ERROR|x",
		"[C 2026-12-01 02:30:00.123 ServerApp] x":                                     "12-01 02:30:00.123 FATAL|x",
		"2026-12-01T06:22:00: PM2 error: App [x] crashed":                             "12-01 06:22:00.000 ERROR|App [x] crashed",
		`{"t":{"$date":{"$numberLong":"1796084072337"}},"s":"E"}`:                     "12-01 00:14:32.337 ERROR|",
		`{"time":{"seconds":1796084072,"nanos":337000000},"level":"error","msg":"x"}`: "12-01 00:14:32.337 ERROR|x",
		`{"msec":"1796084072.337","status":"502","uri":"/x"}`:                         "12-01 00:14:32.337 ERROR|/x",
	} {
		e, _ := p.Parse([]byte(text))
		got := "none"
		if !e.Time.IsZero() {
			got = e.Time.Format("01-02 15:04:05.000")
		}
		if got += " " + e.Level.String() + "|" + e.Message; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestChineseLinesAreRead: full-width colons and brackets, words for levels, dates with words.
func TestChineseLinesAreRead(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	for text, want := range map[string]string{
		"2026-10-25 02:30:00 ERROR：数据库连接失败":      "10-25 02:30:00.000 ERROR|数据库连接失败",
		"2026-10-25 02:30:00 错误：数据库连接失败":         "10-25 02:30:00.000 ERROR|数据库连接失败",
		"2026-10-25 02:30:00 错误: 数据库连接失败":        "10-25 02:30:00.000 ERROR|数据库连接失败",
		"2026-10-25 02:30:00 【ERROR】 数据库连接失败":    "10-25 02:30:00.000 ERROR|数据库连接失败",
		"2026-10-25 02:30:00 【严重】：磁盘已满":          "10-25 02:30:00.000 FATAL|磁盘已满",
		"2026-10-25 02:30:00 ［错误］数据库":            "10-25 02:30:00.000 ERROR|数据库",
		"2026-10-25 02:30:00 [错误] 数据库":           "10-25 02:30:00.000 ERROR|数据库",
		"2026-10-25 02:30:00 [ERROR]：数据库":        "10-25 02:30:00.000 ERROR|数据库",
		"2026-10-25 02:30:00 警告 库存不足":            "10-25 02:30:00.000 WARN|库存不足",
		"2026-10-25 02:30:00 [主线程] 错误：库存不足":      "10-25 02:30:00.000 ERROR|库存不足",
		"2026-10-25 02:30:00 错误码为 12":            "10-25 02:30:00.000 UNKNOWN|错误码为 12",
		"2026-10-25 02:30:00 信息量很大":              "10-25 02:30:00.000 UNKNOWN|信息量很大",
		"2026年10月25日 下午2:30:00 ERROR b":          "10-25 14:30:00.000 ERROR|b",
		"2026年10月25日 星期日 02:30:01 ERROR b":       "10-25 02:30:01.000 ERROR|b",
		"2026年10月25日 02时30分02秒 ERROR b":          "10-25 02:30:02.000 ERROR|b",
		"2026年10月25日 14时30分00秒 错误：b":             "10-25 14:30:00.000 ERROR|b",
		"2026年10月25日 下午2点30分 ERROR b":            "10-25 14:30:00.000 ERROR|b",
		"2026年 10月 25日 星期日 02:30:00 UTC ERROR b": "10-25 02:30:00.000 ERROR|b",
		"2026/10/25 下午2:30:03 ERROR d":           "10-25 14:30:03.000 ERROR|d",
		"2026/10/25 下午 02:30:03 ERROR d":         "10-25 14:30:03.000 ERROR|d",
		"2026/10/25 上午12:30:03 ERROR d":          "10-25 00:30:03.000 ERROR|d",
		"2026年10月25日 中午12:30:03 ERROR d":         "10-25 12:30:03.000 ERROR|d",
		"[2026年10月25日 晚上8:30:03] 【警告】d":          "10-25 20:30:03.000 WARN|d",
		"2026년 10월 25일 오후 2:30:03 ERROR d":       "10-25 14:30:03.000 ERROR|d",
		"错误：数据库连接失败":                             "none ERROR|数据库连接失败",
		"【ERROR】数据库连接失败":                         "none ERROR|数据库连接失败",
		"信息如下：连接":                                "none UNKNOWN|信息如下：连接",
	} {
		e, _ := p.Parse([]byte(text))
		got := "none"
		if !e.Time.IsZero() {
			got = e.Time.Format("01-02 15:04:05.000")
		}
		if got += " " + e.Level.String() + "|" + e.Message; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
