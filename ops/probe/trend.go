package probe

import (
	"cmp"
	"time"
)

// trend is a straight line through the newest values of something.
type trend struct {
	Pace  time.Duration // between two values that are kept; 0: trendPace
	Least time.Duration // from the first value to the last; 0: trendSpan

	at    []time.Time
	value []float64
}

// How much a trend looks back, and how much it must have seen to speak: hours, for
// it speaks of hours. A backup or a compiler fills a disk for minutes.
const (
	trendLength = 120
	trendLeast  = 5
	trendSpan   = 2 * time.Hour
	trendPace   = 2 * time.Minute // between two values that are kept
)

// Add takes one more value.
func (t *trend) Add(at time.Time, value float64) {
	if n := len(t.at); n > 0 && at.Before(t.at[n-1]) {
		t.at, t.value = nil, nil // the clock was set back
	}
	if n := len(t.at); n > 0 && at.Sub(t.at[n-1]) < cmp.Or(t.Pace, trendPace) {
		return
	}
	if len(t.at) == trendLength {
		t.at = append(t.at[:0], t.at[1:]...)
		t.value = append(t.value[:0], t.value[1:]...)
	}
	t.at = append(t.at, at)
	t.value = append(t.value, value)
}

// Slope is the change per second by least squares; ok is false while too little
// was seen.
func (t *trend) Slope() (perSecond float64, ok bool) {
	n := len(t.at)
	if n < trendLeast || t.at[n-1].Sub(t.at[0]) < cmp.Or(t.Least, trendSpan) {
		return 0, false
	}
	return t.slope()
}

func (t *trend) slope() (perSecond float64, ok bool) {
	n := len(t.at)
	var sx, sy, sxx, sxy float64
	for i := range t.at {
		x := t.at[i].Sub(t.at[0]).Seconds()
		y := t.value[i] - t.value[0]
		sx = sx + x
		sy = sy + y
		sxx = sxx + x*x
		sxy = sxy + x*y
	}
	d := float64(n)*sxx - sx*sx
	if d == 0 {
		return 0, false
	}
	return (float64(n)*sxy - sx*sy) / d, true
}

// maxUntil is the farthest that a trend is believed.
const maxUntil = 90 * 24 * time.Hour

// untilZero is how long until the value is used up, by the slower of its whole and
// its newer pace; ok is false where it does not shrink, or not within ninety days.
func (t *trend) untilZero() (left time.Duration, ok bool) {
	slope, ok := t.Slope()
	if !ok || slope >= 0 {
		return 0, false
	}
	half := len(t.at) / 2
	newer := trend{at: t.at[half:], value: t.value[half:]}
	if now, ok := newer.slope(); !ok || now >= 0 {
		return 0, false // it went down once, and does so no more
	} else if now > slope {
		slope = now
	}
	seconds := t.value[len(t.value)-1] / -slope
	if seconds > maxUntil.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second), true
}
