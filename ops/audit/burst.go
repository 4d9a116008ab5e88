package audit

import (
	"slices"
	"strings"
	"time"
)

// Deed is what of a row counts for a rule: when, and who did it.
type Deed struct {
	At  time.Time
	Who string // "" where the row names nobody
	New bool   // it was not judged before
}

// Burst is the most that one did within a span of time.
type Burst struct {
	Who      string
	Rows     int
	From, To time.Time // of its first and last row
	Others   int       // how many others did as much as was asked for, or more
}

// Most finds who did the most within one window that holds a new deed. Deeds may come in
// any order. ok is false where nobody did least rows.
func Most(deeds []Deed, window time.Duration, least int) (most Burst, ok bool) {
	by := map[string][]Deed{}
	for _, d := range deeds {
		by[d.Who] = append(by[d.Who], d)
	}
	var found []Burst
	for who, own := range by {
		b := peak(own, window)
		b.Who = who
		if b.Rows >= max(least, 1) {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return Burst{}, false
	}
	slices.SortFunc(found, func(a, b Burst) int {
		if a.Rows != b.Rows {
			return b.Rows - a.Rows
		}
		return strings.Compare(a.Who, b.Who)
	})
	most = found[0]
	most.Others = len(found) - 1
	return most, true
}

// peak is the fullest window of one that holds a new deed.
func peak(own []Deed, window time.Duration) (b Burst) {
	slices.SortFunc(own, func(a, b Deed) int { return a.At.Compare(b.At) })
	first, fresh := 0, 0
	for i, d := range own {
		if d.New {
			fresh++
		}
		for d.At.Sub(own[first].At) >= window {
			if own[first].New {
				fresh--
			}
			first++
		}
		if n := i - first + 1; n > b.Rows && fresh > 0 {
			b = Burst{Rows: n, From: own[first].At, To: d.At}
		}
	}
	return b
}
