package logs

import (
	"testing"
	"time"
)

// TestNestsTimesAreReadInEveryLocale: what Node's toLocaleString prints for
// Nest's options, by locale.
func TestNestsTimesAreReadInEveryLocale(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	for text, want := range map[string]string{
		"01/29/2026, 2:05:07 AM":      "2026-01-29T02:05:07Z", // en-US
		"01/29/2026, 2:05:07\u202fPM": "2026-01-29T14:05:07Z", // en-US, Node 20
		"01/29/2026, 12:05:07 AM":     "2026-01-29T00:05:07Z",
		"01/29/2026, 12:05:07 PM":     "2026-01-29T12:05:07Z",
		"2026/01/29 02:05:07":         "2026-01-29T02:05:07Z", // zh-CN
		"2026/01/29 2:05:07":          "2026-01-29T02:05:07Z", // ja-JP
		"29/01/2026, 02:05:07":        "2026-01-29T02:05:07Z", // en-GB
		"29/01/2026 02:05:07":         "2026-01-29T02:05:07Z", // fr-FR
		"29.01.2026, 02:05:07":        "2026-01-29T02:05:07Z", // de-DE
		"03.01.2026, 02:05:07":        "2026-01-03T02:05:07Z",
		"2026-01-29 02:05:07":         "2026-01-29T02:05:07Z", // sv-SE
		"2026-01-29T02:05:07.5+08:00": "2026-01-28T18:05:07.5Z",
	} {
		e, kind := p.Parse([]byte("[Nest] 12345  - " + text + "   ERROR [OrderService] Failed to create order +3ms"))
		if kind != KindHead || e.Format != FormatNest || e.Level != LevelError || e.Context != "OrderService" || e.Message != "Failed to create order" {
			t.Errorf("%s: kind %d, %+v", text, kind, e)
		}
		if got := e.Time.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s: read as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"2026-01-29T2:05:07", "01/29/2026, :05:07 AM", "01/29/2026, 2:5:07 AM", "01/29/2026, 2:05"} {
		if _, n := p.any([]byte(text)); n != 0 {
			t.Errorf("%s is taken for a time", text)
		}
	}
}
