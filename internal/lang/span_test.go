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
	if got := Chinese().T("%s ago", "8 h 28 m"); got != "8 小时 28 分前" && got != "8 小时 28 分 前" {
		t.Errorf("as an argument it is written %q", got)
	}
}
