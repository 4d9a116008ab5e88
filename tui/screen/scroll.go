package screen

import (
	"slices"
	"strconv"
	"strings"
)

// scrollCost is about what the sequences of one scroll take.
const scrollCost = 30

// scroll moves a part of the terminal where next is what shown was, some rows higher
// or lower, and that saves bytes.
func scroll(p *pen, shown, next *grid) {
	by, top, bottom := moved(shown, next)
	if by == 0 {
		return
	}
	trial := &grid{w: shown.w, h: shown.h, rows: slices.Clone(shown.rows)}
	shift(trial.rows[top:bottom+1], by, func() []cell {
		row := make([]cell, shown.w)
		fillRow(row, blank)
		return row
	})
	saved := 0
	for y := top; y <= bottom; y++ {
		saved += cost(y, shown.rows[y], next.rows[y]) - cost(y, trial.rows[y], next.rows[y])
	}
	if saved <= scrollCost {
		return
	}
	shown.rows = trial.rows
	p.ink(style{})
	p.WriteString("\x1b[" + strconv.Itoa(top+1) + ";" + strconv.Itoa(bottom+1) + "r")
	if by > 0 {
		p.WriteString("\x1b[" + strconv.Itoa(bottom+1) + "H" + strings.Repeat("\n", by))
	} else {
		p.WriteString("\x1b[" + strconv.Itoa(top+1) + "H" + strings.Repeat("\x1bM", -by))
	}
	p.WriteString("\x1b[r")
	p.x = -1
	p.y = -1
}

// shift moves rows up by a number of places, or down where it is negative.
func shift(rows [][]cell, by int, empty func() []cell) {
	old := slices.Clone(rows)
	for y := range rows {
		if from := y + by; from >= 0 && from < len(old) {
			rows[y] = old[from]
			continue
		}
		rows[y] = empty()
	}
}

// moved finds the number of places by which most changed rows moved up, and the part
// of the screen that they moved in.
func moved(shown, next *grid) (by, top, bottom int) {
	at := map[uint64][]int{}
	for y, row := range shown.rows {
		if h, ok := hash(row); ok {
			at[h] = append(at[h], y)
		}
	}
	votes := map[int][]int{}
	for y, row := range next.rows {
		h, ok := hash(row)
		if !ok || slices.Equal(row, shown.rows[y]) {
			continue
		}
		for _, from := range at[h] {
			if from != y {
				votes[from-y] = append(votes[from-y], y)
			}
		}
	}
	best := 1
	for d, rows := range votes {
		if len(rows) > best || len(rows) == best && best > 1 && abs(d) < abs(by) {
			best = len(rows)
			by = d
		}
	}
	if by == 0 {
		return 0, 0, 0
	}
	rows := votes[by]
	first := rows[0]
	last := rows[len(rows)-1]
	return by, min(first, first+by), max(last, last+by)
}

func abs(n int) int { return max(n, -n) }

// hash is false for a row that holds nothing or is not known. Rows that differ may have the
// same: what a scroll saves is told by the rows themselves.
func hash(row []cell) (sum uint64, ok bool) {
	sum = hashBasis
	for i := range row {
		c := &row[i]
		if c.absent {
			return 0, false
		}
		ok = ok || c.text != " " || c.style.attrs != 0 || c.style.bg != ""
		sum = (sum ^ uint64(c.style.attrs)<<8) * hashPrime
		for _, part := range [...]string{c.text, c.style.fg, c.style.bg} {
			for k := range len(part) {
				sum = (sum ^ uint64(part[k])) * hashPrime
			}
		}
	}
	return sum, ok
}

// The numbers of FNV-1a.
const (
	hashBasis = 14695981039346656037
	hashPrime = 1099511628211
)
