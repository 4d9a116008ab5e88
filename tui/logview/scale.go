package logview

import (
	"strings"

	"opsdeck/internal/cells"
)

// besideWords is how many cells are left between the words of the scale.
const besideWords = 2

// scaleLine is the scale in n cells: the times of both ends at the edges, or beside the
// mark where it is in them, and words in the widest room between. mark is -1 for none.
func scaleLine(n, mark int, left, right string, words func(room int) string) []rune {
	line := []rune(strings.Repeat(" ", n))
	start := n - len(right)
	if mark >= 0 && mark >= start-1 {
		start = mark - 1 - len(right)
	}
	if start < 0 { // no room beside the mark
		right, start = "", mark
	}
	from := 0
	if mark >= 0 && mark <= len(left) {
		from = mark + 2
	}
	end := from + len(left)
	if end+besideWords > start { // no room for both
		end = 0
	} else {
		putCells(line, from, left)
	}
	putCells(line, start, right)
	gap, to := end, start
	if mark >= end && mark < start {
		if mark-end >= start-mark-1 {
			to = mark
		} else {
			gap = mark + 1
		}
	}
	if mark >= 0 && mark < gap && end == 0 {
		gap = mark + 1
	}
	middle := words(to - gap - 2*besideWords)
	putCells(line, gap+(to-gap-cells.Width(middle))/2, middle)
	return line
}

// putCells writes text into a line of cells, as far as it has room.
func putCells(line []rune, at int, text string) {
	for _, r := range text {
		w := cells.Width(string(r))
		if at >= 0 && at+w <= len(line) {
			line[at] = r
			if w == 2 {
				line[at+1] = halfCell
			}
		}
		at += w
	}
}
