package crontab

import (
	"testing"
	"time"
	_ "time/tzdata"
)

// TestADayHasItsRunWhenTheClocksChange counts the runs of each day of a year in
// zones whose clocks change at two, at midnight, by half an hour, or not at all.
func TestADayHasItsRunWhenTheClocksChange(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
		"Asia/Beirut", "Africa/Casablanca", "Asia/Shanghai"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range []string{"0 2 * * *", "30 1 * * *", "30 2 * * *", "0 0 * * *", "15 3 * * *", "@daily"} {
			s, err := Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			runs := map[string]int{}
			end := time.Date(2027, 1, 1, 0, 0, 0, 0, zone)
			for at := s.Next(time.Date(2025, 12, 31, 23, 59, 59, 0, zone)); at.Before(end); at = s.Next(at) {
				runs[at.Format("2006-01-02")]++
			}
			for day := time.Date(2026, 1, 1, 12, 0, 0, 0, zone); day.Before(end); day = day.AddDate(0, 0, 1) {
				if n := runs[day.Format("2006-01-02")]; n != 1 {
					t.Errorf("%s, %q: %d runs on %s", name, spec, n, day.Format("2006-01-02"))
				}
			}
		}
	}
}

func TestAMissingTimeComesDueAtTheChangeAndARepeatedOneOnce(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ spec, after, want string }{
		{"30 2 * * *", "2026-03-28T22:00:00Z", "2026-03-29T03:00:00+02:00"},
		{"30 2 * * *", "2026-03-29T01:00:00Z", "2026-03-30T02:30:00+02:00"},
		{"30 2 * * *", "2026-10-24T22:00:00Z", "2026-10-25T02:30:00+02:00"},
		{"30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T02:30:00+01:00"},
		{"30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T02:30:00+01:00"}, // 02:10 for the second time
		{"*/30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00+01:00"},
	} {
		s, err := Parse(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		if got := s.Next(after.In(berlin)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s after %s: %s, want %s", c.spec, c.after, got, c.want)
		}
	}
}
