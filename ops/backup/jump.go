package backup

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// A backup jumps when it is at least 50 % larger, or 50 % smaller, than the mean of
// those before it. Sizes below worthAWord rows, or jumpBytes bytes, never count.
const (
	jumpShare = 0.5
	jumpLeast = 2 // backups needed before it
	jumpBytes = 1 << 20
)

// Jump compares a backup with the last four good ones before it.
type Jump struct {
	Set     *Set
	Rows    bool    // rows are compared; else bytes
	Now     int64   // rows or bytes
	Mean    float64 // of those before it
	Against int     // how many those are
}

// Share is the relative difference from the mean: 0.5 is 50 % more.
func (j Jump) Share() float64 { return float64(j.Now)/j.Mean - 1 }

// Text describes the jump in one clause.
func (j Jump) Text() lang.Msg {
	change := human.Percent(j.Share())
	if j.Share() >= 0 {
		change = "+" + change
	}
	if j.Rows {
		return lang.M("rows of the newest backup compared with the mean of the previous %d: %s", j.Against, change)
	}
	return lang.M("size of the newest backup compared with the mean of the previous %d: %s", j.Against, change)
}

// Jumps compares s with the last four good backups of the same database before it, by
// rows and by size, and returns the larger difference. known is false when there are
// fewer than two.
func (inv *Inventory) Jumps(s *Set) (j Jump, jumped, known bool) {
	line := inv.lineOf(s)
	for i, o := range line {
		if o.identity() != s.identity() {
			continue
		}
		before := goodBefore(line, i)
		size := jumpOf(s, before, false, func(o *Set) (int64, bool) { return o.Size, o.Size > 0 })
		rows := jumpOf(s, before, true, func(o *Set) (int64, bool) { return o.Summary.Rows, o.Summary.rowsKnown() })
		j = size
		if rows.Against >= jumpLeast && (size.Against < jumpLeast || abs(rows.Share()) >= abs(size.Share())) {
			j = rows
		}
		if j.Against < jumpLeast {
			return j, false, false
		}
		least := float64(jumpBytes)
		if j.Rows {
			least = worthAWord
		}
		return j, abs(j.Share()) >= jumpShare && abs(float64(j.Now)-j.Mean) >= least, true
	}
	return Jump{}, false, false
}

func abs(f float64) float64 { return max(f, -f) }

func jumpOf(s *Set, before []*Set, rows bool, of func(*Set) (int64, bool)) Jump {
	j := Jump{Set: s, Rows: rows}
	now, ok := of(s)
	if !ok {
		return j
	}
	sum := int64(0)
	for _, b := range before {
		if n, ok := of(b); ok {
			sum += n
			j.Against++
		}
	}
	j.Now = now
	j.Mean = max(1, float64(sum)/float64(max(j.Against, 1)))
	return j
}
