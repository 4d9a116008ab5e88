package watch

import (
	"testing"
	"time"

	"opsdeck/internal/clock"
)

// TestBeginNotesANewSchedule: what judges the record finds it in place, and what ran
// before stays as it is.
func TestBeginNotesANewSchedule(t *testing.T) {
	record := Record{Dir: t.TempDir()}
	ran := time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC)
	if err := record.Append(Run{Job: "q/daily", Due: ran, Started: ran, Ended: ran, Result: Done}); err != nil {
		t.Fatal(err)
	}
	s := Scheduler{Record: record, Clock: clock.Real{}, Jobs: []Job{
		{Name: "q/daily", Schedule: at(2)}, {Name: "q/drill", Schedule: at(2)},
	}}
	for range 2 {
		if err := s.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	last, err := record.Last()
	if err != nil || last["q/daily"].Result != Done || last["q/drill"].Result != Installed {
		t.Fatalf("%+v %v", last, err)
	}
}
