package lang

import "testing"

func TestDurationsAreWrittenInTheLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"8 h 28 m": "8 小时 28 分",
		"1 d 2 h":  "1 天 2 小时",
		"14 d":     "14 天",
		"1.5 s":    "1.5 秒",
		"850 ms":   "850 毫秒",
		"3 µs":     "3 微秒",
		"<1 m":     "<1 分",
		"-5 s":     "-5 秒",
		"8 hours":  "8 hours",
		"12 MiB":   "12 MiB",
		"h":        "h",
		"8 h 28":   "8 h 28",
		"a 8 h":    "a 8 h",
		"8 m x":    "8 m x",
		"":         "",
	} {
		if got := Chinese().Span(text); got != want {
			t.Errorf("%q is written %q, not %q", text, got, want)
		}
		if got := English().Span(text); got != text {
			t.Errorf("%q is written %q in English", text, got)
		}
	}
	for _, c := range []struct {
		key  string
		args []any
		want string
	}{
		{"%s ago", []any{"8 h 28 m"}, "8 小时 28 分前"},
		{"newest %s ago", []any{"5 m"}, "最新一条在 5 分前"},
		{"no response within %s", []any{"3 s"}, "3 秒内无响应"},
		{"no response within %s", []any{"x86"}, "x86 内无响应"},
		{"no writes to %s for %s; the binlog is still at %s", []any{"客户", "3 s", "a:4"}, "客户 在 3 秒内没有写入；binlog 停在 a:4"},
		{"ready after %s: %s", []any{"3 s", "5 m"}, "3 秒后就绪：5 分"},
		{"%q is not a size: write 50M", []any{"5 m"}, `"5 m" 不是大小：请写成 50M`},
	} {
		if got := Chinese().T(c.key, c.args...); got != c.want {
			t.Errorf("as an argument it is written %q, not %q", got, c.want)
		}
	}
}
