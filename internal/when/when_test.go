package when

import (
	"testing"
	"time"

	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
)

func TestParseReadsWhatPeopleWrite(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	now := time.Date(2026, 1, 29, 15, 4, 5, 0, berlin) // a Thursday
	const form = "2006-01-02T15:04:05"
	for text, want := range map[string]string{
		"now": "2026-01-29T15:04:05", "24h ago": "2026-01-28T15:04:05", "-24h": "2026-01-28T15:04:05",
		"24h":          "2026-01-28T15:04:05",
		"24 hours ago": "2026-01-28T15:04:05", "2 days ago": "2026-01-27T15:04:05", "1w": "2026-01-22T15:04:05",
		"90 min ago": "2026-01-29T13:34:05",
		"1h30m":      "2026-01-29T13:34:05", "today": "2026-01-29T00:00:00", "Yesterday": "2026-01-28T00:00:00",
		"昨天":              "2026-01-28T00:00:00",
		"yesterday 14:00": "2026-01-28T14:00:00", "yesterday at 9:05": "2026-01-28T09:05:00",
		"monday":   "2026-01-26T00:00:00",
		"thursday": "2026-01-29T00:00:00", "last thursday": "2026-01-22T00:00:00", "last friday": "2026-01-23T00:00:00",
		"fri":       "2026-01-23T00:00:00",
		"Mon 08:00": "2026-01-26T08:00:00", "last  friday 17:30:10": "2026-01-23T17:30:10",
		"14:00": "2026-01-29T14:00:00",
		"2026":  "2026-01-01T00:00:00", "2026-01": "2026-01-01T00:00:00", "2026-01-29": "2026-01-29T00:00:00",
		"2026-01-29 10:30": "2026-01-29T10:30:00",
		"2026-01-29T10:30": "2026-01-29T10:30:00", "2026-01-29T10:30:00+08:00": "2026-01-29T03:30:00",
		"2026-01-29 10:30:00 +08:00": "2026-01-29T03:30:00", "2026-01-29 10:30 +0800": "2026-01-29T03:30:00",
		"2026-01-29T10:30+08": "2026-01-29T03:30:00", "2026-01-29 10:30:00Z": "2026-01-29T11:30:00",
		"2026-01-29T10:30Z": "2026-01-29T11:30:00", "2026-01-29t10:30:00z": "2026-01-29T11:30:00",
		"2026-01-29 10:30:00.5 UTC": "2026-01-29T11:30:00", "14:00 UTC": "2026-01-29T15:00:00",
		"yesterday 14:00 -05:00": "2026-01-28T20:00:00", "2026-01-29 10:30 Asia/Shanghai": "2026-01-29T03:30:00",
		"2026-01-29 10:30 CET": "2026-01-29T10:30:00", "2026-07-29 10:30 cest": "2026-07-29T10:30:00",
		"2026-01-29 10:30 Europe/Berlin": "2026-01-29T10:30:00", "2026-01-29 UTC": "2026-01-29T01:00:00",
		"2026-01-29 10:30 UTC+8": "2026-01-29T03:30:00", "10m ago": "2026-01-29T14:54:05",
	} {
		got, msg := Parse(text, now, berlin)
		if !msg.Empty() || got.From.In(berlin).Format(form) != want {
			t.Errorf("%q: %s %s, want %s", text, got.From.In(berlin).Format(form), msg, want)
		}
	}
	for text, hours := range map[string]int{"monday": 24, "today": 24, "2026-03-29": 23, "2026-10-25": 25, "14:00": 0,
		"24h ago": 0, "yesterday 14:00": 0} {
		got, msg := Parse(text, now, berlin)
		if d := got.Till.Sub(got.From); !msg.Empty() || d != time.Duration(hours)*time.Hour {
			t.Errorf("%q covers %v %s, want %d h", text, d, msg, hours)
		}
	}
	for _, text := range []string{"", "soon", "ago", "last", "last week", "moon", "25:00", "2026-13", "2026-02-30",
		"yesterday 24:10", "m", "tod", "2026-03-29T02:30", "24x ago", "2026-01-29 10:30 +99:00",
		"2026-01-29 10:30 XYZ", "2026-01-29 10:30 Nowhere/Town", "UTC", "+08:00", "binlog.000012:10-20"} {
		if got, msg := Parse(text, now, berlin); msg.Empty() {
			t.Errorf("%q was taken for %v", text, got.From)
		}
	}
}
