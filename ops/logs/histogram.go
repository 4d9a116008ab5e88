package logs

import (
	"sort"
	"time"
)

// Bucket is what was counted in a stretch of time that begins at At.
type Bucket struct {
	At      time.Time
	Count   int64
	ByLevel [LevelCount]int64
}

// Histogram counts events by time and level. Buckets begin at whole multiples
// of their width in the zone, so that days begin at midnight.
type Histogram struct {
	width int64 // ms
	zone  *time.Location
	by    map[int64]*Bucket
	last  *Bucket
	end   int64 // of last
}

// NewHistogram makes an empty histogram with buckets of that width.
func NewHistogram(width time.Duration, zone *time.Location) *Histogram {
	return &Histogram{width: max(1, width.Milliseconds()), zone: zone, by: map[int64]*Bucket{}}
}

// Add counts one event; one without a time is not counted.
func (h *Histogram) Add(t time.Time, l Level) {
	if !t.IsZero() {
		h.add(t.UnixMilli(), l, 1)
	}
}

func (h *Histogram) add(ms int64, l Level, n int64) {
	if h.last == nil || ms >= h.end || ms < h.end-h.width {
		at := Floor(ms, h.width, h.zone)
		b := h.by[at]
		if b == nil {
			b = &Bucket{At: time.UnixMilli(at).In(h.zone)}
			h.by[at] = b
		}
		h.last, h.end = b, at+h.width
	}
	h.last.Count += n
	h.last.ByLevel[l] += n
}

// Floor is where the stretch of time of that width begins in which a moment lies, all in ms. Stretches
// begin at whole multiples of their width in the zone.
func Floor(ms, width int64, zone *time.Location) int64 {
	_, off := time.UnixMilli(ms).In(zone).Zone()
	local := ms + int64(off)*1000
	rest := local % width
	if rest < 0 {
		rest += width
	}
	return ms - rest
}

// Buckets are those that hold something, in the order of time.
func (h *Histogram) Buckets() []Bucket {
	out := make([]Bucket, 0, len(h.by))
	for _, b := range h.by {
		out = append(out, *b)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].At.Before(out[j].At) })
	return out
}

// Top is the count of the fullest bucket.
func (h *Histogram) Top() (n int64) {
	for _, b := range h.by {
		n = max(n, b.Count)
	}
	return n
}
