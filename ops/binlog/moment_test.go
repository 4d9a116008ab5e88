package binlog

import (
	"strings"
	"testing"
	"time"
)

// TestAMomentIsReadInItsZone: a wall time in the zone of the person who types it, an offset
// as it is. One that the clock shows twice, or skips, is refused with what to type.
func TestAMomentIsReadInItsZone(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	now := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct{ text, zone, want string }{
		{"2026-01-30 12:00", "UTC", "2026-01-30T12:00:00Z"},
		{"2026-01-30 12:00", "Asia/Shanghai", "2026-01-30T04:00:00Z"},
		{"2026-01-30 12:00 +08:00", "UTC", "2026-01-30T04:00:00Z"},
		{"2026-01-30T12:00:00+08:00", "Europe/Berlin", "2026-01-30T04:00:00Z"},
		{"2026-01-30 12:00 UTC", "Asia/Shanghai", "2026-01-30T12:00:00Z"},
		{"2026-10-25 02:30 +02:00", "Europe/Berlin", "2026-10-25T00:30:00Z"},
		{"2026-10-25 02:30 +01:00", "Europe/Berlin", "2026-10-25T01:30:00Z"},
	} {
		m, err := ReadMoment(c.text, now, zone(c.zone))
		if err != nil || m.Time.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%q in %s: %v, %v, want %s", c.text, c.zone, m, err, c.want)
		}
	}
	for text, why := range map[string]string{
		"2026-10-25 02:30": "is not one point in time",
		"2026-03-29 02:30": "does not exist in the zone Europe/Berlin",
	} {
		if m, err := ReadMoment(text, now, zone("Europe/Berlin")); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
}
