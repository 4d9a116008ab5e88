package crontab

import (
	"testing"
	"time"
)

func TestSevenIsSunday(t *testing.T) {
	from := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for seven, zero := range map[string]string{"0 4 * * 7": "0 4 * * 0", "0 4 * * 5-7": "0 4 * * 0,5,6",
		"0 4 * * 1-7/2": "0 4 * * 0,1,3,5", "0 4 * * 1,7": "0 4 * * 0,1"} {
		a, err := Parse(seven)
		if err != nil {
			t.Errorf("%s: %v", seven, err)
			continue
		}
		b, _ := Parse(zero)
		for x, y, n := a.Next(from), b.Next(from), 0; n < 20; x, y, n = a.Next(x), b.Next(y), n+1 {
			if !x.Equal(y) {
				t.Fatalf("%s at %v, %s at %v", seven, x, zero, y)
			}
		}
	}
	for _, bad := range []string{"0 4 * * 8", "0 4 * * 7-1", "0 4 * *", "0 4 * * 1-7/0"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
