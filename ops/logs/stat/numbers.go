package stat

import (
	"math"
	"slices"
)

// maxDistinct is how many different numbers are kept as they are; from then on numbers are rounded
// to three digits, and percentiles are estimates.
const maxDistinct = 200_000

// Numbers are the values of a number field.
type Numbers struct {
	Count    int64
	Sum      float64
	Min, Max float64
	Rounded  bool // too many different ones: percentiles are right to three digits
	of       map[float64]int64
	sorted   []float64
}

// Add takes one more number.
func (n *Numbers) Add(v float64) { n.add(v, 1) }

func (n *Numbers) add(v float64, times int64) {
	if n.of == nil {
		n.of = map[float64]int64{}
		n.Min = v
		n.Max = v
	}
	n.Count += times
	n.Sum += v * float64(times)
	n.Min = min(n.Min, v)
	n.Max = max(n.Max, v)
	if n.Rounded {
		v = threeDigits(v)
	}
	n.of[v] += times
	n.sorted = nil
	if len(n.of) > maxDistinct && !n.Rounded {
		n.round()
	}
}

func (n *Numbers) round() {
	was := n.of
	n.of, n.Rounded = map[float64]int64{}, true
	for v, times := range was {
		n.of[threeDigits(v)] += times
	}
}

func threeDigits(v float64) float64 {
	if v == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	return math.Round(v/unit) * unit
}

// Mean is the average; 0 of none.
func (n *Numbers) Mean() float64 {
	if n.Count == 0 {
		return 0
	}
	return n.Sum / float64(n.Count)
}

// Percentile is the least value that at least p of 100 values do not exceed (the nearest rank, so
// it is a value that was logged); 0 of none.
func (n *Numbers) Percentile(p int64) float64 {
	if n.Count == 0 {
		return 0
	}
	if n.sorted == nil {
		for v := range n.of {
			n.sorted = append(n.sorted, v)
		}
		slices.Sort(n.sorted)
	}
	left := max(1, (n.Count*p+99)/100)
	for _, v := range n.sorted {
		if left -= n.of[v]; left <= 0 {
			return v
		}
	}
	return n.Max
}
