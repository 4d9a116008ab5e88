package audit

import "time"

// wallSpan is the span of wall times that the moments from since till until
// show on the clocks of a zone. Where they are put back between, an hour of
// wall times stands for two of moments: the span is the wider one, so that no
// row is left out for what nobody can tell any more.
func wallSpan(since, until time.Time, zone *time.Location) (from, till Stamp) {
	from, till = NoStamp, MaxStamp
	if !since.IsZero() {
		from = StampOf(since, zone)
		if _, change := since.In(zone).ZoneBounds(); !change.IsZero() && (until.IsZero() || change.Before(until)) {
			from = min(from, StampOf(change, zone))
		}
	}
	if !until.IsZero() {
		till = StampOf(until, zone)
		if change, _ := until.In(zone).ZoneBounds(); !change.IsZero() && change.After(since) {
			till = max(till, StampOf(change.Add(-time.Microsecond), zone)+1)
		}
	}
	return from, till
}
