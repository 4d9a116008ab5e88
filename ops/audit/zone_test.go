package audit

import (
	"testing"
	"time"
)

// Whatever a moment's wall time is, a span that the moment lies in covers it;
// where no clock changes between, the span covers nothing else.
func TestASpanCoversEveryMomentInIt(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, around := range []time.Time{time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)} {
		for a := -8; a <= 8; a++ {
			for b := a + 1; b <= 9; b++ {
				since, until := around.Add(time.Duration(a)*20*time.Minute), around.Add(time.Duration(b)*20*time.Minute)
				from, till := wallSpan(since, until, berlin)
				for at := since; at.Before(until); at = at.Add(5 * time.Minute) {
					if w := StampOf(at, berlin); w < from || w >= till {
						t.Fatalf("%v is not in the span %v to %v", at.In(berlin), from, till)
					}
				}
				if around.Month() == 1 && (from != StampOf(since, berlin) || till != StampOf(until, berlin)) {
					t.Fatalf("%v to %v became %v to %v", since, until, from, till)
				}
			}
		}
	}
	if from, till := wallSpan(time.Time{}, time.Time{}, berlin); from != NoStamp || till != MaxStamp {
		t.Fatalf("no bounds became %v to %v", from, till)
	}
}
