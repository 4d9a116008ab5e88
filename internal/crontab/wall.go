package crontab

import (
	"time"

	"github.com/robfig/cron/v3"
)

// wall is a schedule by the clock on the wall. A time that spring leaves out comes
// due when the clocks have changed; of a time that autumn repeats the first counts.
type wall struct{ plan cron.Schedule }

// steps bounds the search for a moment after t: the same time of a few days.
const steps = 8

// Next is the first moment after t, in t's zone; zero when there is none.
func (w wall) Next(t time.Time) time.Time {
	y, m, d := t.Date()
	clock := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	for range steps {
		if clock = w.plan.Next(clock); clock.IsZero() {
			return time.Time{}
		}
		if at := moment(clock, t.Location()); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// moment is when the clocks of a zone first show the time that clock, in UTC,
// shows; or when they jump over it.
func moment(clock time.Time, zone *time.Location) time.Time {
	_, before := clock.Add(-36 * time.Hour).In(zone).Zone()
	_, after := clock.Add(36 * time.Hour).In(zone).Zone()
	early := clock.Add(-time.Duration(max(before, after)) * time.Second).In(zone)
	late := clock.Add(-time.Duration(min(before, after)) * time.Second).In(zone)
	switch {
	case shows(early, clock):
		return early
	case shows(late, clock):
		return late
	}
	jump, _ := late.ZoneBounds()
	return jump
}

func shows(t, clock time.Time) bool {
	_, offset := t.Zone()
	return t.Unix()+int64(offset) == clock.Unix()
}
