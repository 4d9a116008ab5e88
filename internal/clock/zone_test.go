package clock

import (
	"testing"
	"time"
)

func TestZonesAreReadAsConfigurationsNameThem(t *testing.T) {
	at := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]int{"UTC": 0, "Asia/Shanghai": 8 * 3600, "+08:00": 8 * 3600,
		"-03:30": -(3*3600 + 1800), "+5:45": 5*3600 + 2700} {
		zone, err := ParseZone(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, got := at.In(zone).Zone(); got != want {
			t.Errorf("%s is %d s from UTC, want %d", name, got, want)
		}
	}
	if zone, err := ParseZone("local"); err != nil || zone != time.Local {
		t.Errorf("local: %v", err)
	}
	for _, name := range []string{"Mars/Base", "+25:00", "+08:61", "8"} {
		if _, err := ParseZone(name); err == nil {
			t.Errorf("%s is taken for a zone", name)
		}
	}
	if got := FixedZone(-210).String(); got != "UTC-03:30" {
		t.Error(got)
	}
}
