package audit

import (
	"slices"
	"sort"
)

// maxOdd is how many rows of a zone may stand apart; with more, the zone has
// no order worth speaking of.
const maxOdd = 64

// byPlace is the order of Odd.
func byPlace(a, b Pos) int {
	switch {
	case a.Less(b):
		return -1
	case b.Less(a):
		return 1
	}
	return 0
}

func (z *Zones) setApart(p Pos) {
	i, _ := slices.BinarySearchFunc(z.Odd, p, byPlace)
	z.Odd = slices.Insert(z.Odd, i, p)
	if z.odd != nil {
		z.odd[p.ID] = p.At
	}
}

func (z *Zones) isOdd(id int64) (Stamp, bool) {
	if z.odd == nil {
		z.odd = make(map[int64]Stamp, len(z.Odd))
		for _, p := range z.Odd {
			z.odd[p.ID] = p.At
		}
	}
	at, ok := z.odd[id]
	return at, ok
}

// sift sets apart the few rows of a full zone that keep it from being tidy: a
// row from the past or the future among rows in order.
func (z *Zones) sift(zone *Zone) {
	if zone.tidy() || int64(len(z.open)) != zone.Rows {
		return
	}
	odd := strays(z.open)
	if len(odd) == 0 || len(odd) > maxOdd || len(odd) == len(z.open) {
		return
	}
	left := Zone{First: zone.First, Last: zone.Last, Rows: zone.Rows, Min: MaxStamp, Max: NoStamp}
	for i, p := range z.open {
		if odd[i] {
			continue
		}
		if left.Max != NoStamp {
			left.Late = max(left.Late, lateness(left.Max, p.At))
		}
		left.Min = min(left.Min, p.At)
		left.Max = max(left.Max, p.At)
	}
	if !left.tidy() {
		return
	}
	*zone = left
	for i := range odd {
		z.setApart(z.open[i])
	}
}

// strays finds which rows are far from the longest run of rows whose times do
// not fall. What is only a little out of order is no stray.
func strays(rows []Pos) map[int]bool {
	kept := rising(rows)
	if len(kept) < 2 {
		return nil
	}
	span := float64(rows[kept[len(kept)-1]].At-rows[kept[0]].At) + 1
	near := Stamp(span / float64(len(rows)) * tidyRows / 2)
	out := map[int]bool{}
	k := 0
	for i, p := range rows {
		for k+1 < len(kept) && kept[k+1] <= i {
			k++
		}
		if kept[k] == i {
			continue
		}
		beside := rows[kept[k]].At
		if p.At <= zeroDate || p.At > beside+near || p.At < beside-near {
			out[i] = true
		}
	}
	return out
}

// rising finds the longest subsequence of rows whose times do not fall, by
// patience sorting; rows without a time never belong to it.
func rising(rows []Pos) []int {
	var piles []int // the row on top of each pile
	under := make([]int, len(rows))
	for i, p := range rows {
		if p.At <= zeroDate {
			continue
		}
		n := sort.Search(len(piles), func(k int) bool { return rows[piles[k]].At > p.At })
		under[i] = -1
		if n > 0 {
			under[i] = piles[n-1]
		}
		if n == len(piles) {
			piles = append(piles, i)
		} else {
			piles[n] = i
		}
	}
	out := make([]int, len(piles))
	if len(piles) == 0 {
		return out
	}
	for i, n := piles[len(piles)-1], len(piles)-1; n >= 0; n-- {
		out[n] = i
		i = under[i]
	}
	return out
}
