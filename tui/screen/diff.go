package screen

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// gap is how many unchanged cells are written again rather than jumped over: a jump
// costs at least four bytes.
const gap = 4

// pen writes cells and knows where the cursor is.
type pen struct {
	strings.Builder
	x, y  int // -1: unknown
	style style
}

func newPen() *pen { return &pen{x: -1, y: -1} }

// to moves the cursor by the shortest sequence.
func (p *pen) to(x, y int) {
	switch {
	case p.x == x && p.y == y:
	case p.y == y && p.x >= 0 && x == 0:
		p.WriteString("\r")
	case p.y == y && p.x >= 0 && x > p.x:
		p.WriteString("\x1b[" + count(x-p.x) + "C")
	case p.y >= 0 && y == p.y+1 && x == 0:
		p.WriteString("\r\n")
	case x == 0:
		p.WriteString("\x1b[" + count(y+1) + "H")
	default:
		p.WriteString("\x1b[" + strconv.Itoa(y+1) + ";" + strconv.Itoa(x+1) + "H")
	}
	p.x = x
	p.y = y
}

func count(n int) string {
	if n == 1 {
		return ""
	}
	return strconv.Itoa(n)
}

func (p *pen) ink(s style) {
	p.WriteString(change(p.style, s))
	p.style = s
}

// cells writes cells of one row from where the cursor is.
func (p *pen) cells(row []cell, w int) {
	for _, c := range row {
		if c.width == 0 {
			continue
		}
		if c != blank || p.style.shows() {
			p.ink(c.style)
		}
		p.WriteString(c.text)
		p.x += int(c.width)
	}
	if p.x >= w { // the cursor waits at the edge; terminals differ in where
		p.x = -1
		p.y = -1
	}
}

// row changes one row of the terminal from old to now.
func (p *pen) row(y int, old, now []cell) {
	first, last := changed(old, now)
	if first < 0 {
		return
	}
	text := len(now)
	for text > 0 && now[text-1] == blank {
		text--
	}
	if doubtful(old) || doubtful(now) {
		first = 0
		last = len(now) - 1
	}
	end := min(last+1, text)
	erase := last >= text
	if erase && last+1-max(first, text) <= 3 && !doubtful(old) && !doubtful(now) { // blanks are shorter
		end = last + 1
		erase = false
	}
	p.runs(y, old, now, first, end)
	if erase {
		p.to(max(first, text), y)
		if p.style.shows() {
			p.ink(style{})
		}
		p.WriteString("\x1b[K")
	}
}

// runs writes the changed cells between two columns, and short gaps with them.
func (p *pen) runs(y int, old, now []cell, first, end int) {
	whole := doubtful(old) || doubtful(now)
	for x := first; x < end; {
		if !whole && old[x] == now[x] {
			x++
			continue
		}
		stop := x + 1
		for same := 0; stop+same < end && same <= gap; {
			if !whole && old[stop+same] == now[stop+same] {
				same++
				continue
			}
			stop += same + 1
			same = 0
		}
		p.to(x, y)
		p.cells(now[x:stop], len(now))
		x = stop
	}
}

// changed are the first and the last column that differ, or -1.
func changed(old, now []cell) (first, last int) {
	first = -1
	for x := range now {
		if old[x] != now[x] {
			if first < 0 {
				first = x
			}
			last = x
		}
	}
	return first, last
}

func doubtful(row []cell) bool {
	return slices.ContainsFunc(row, func(c cell) bool { return c.doubt })
}

// patch is a changed row and how many bytes it costs.
type patch struct{ y, cost int }

// patches are the rows that differ, the cheapest first: a typed letter is one cell, a
// new log line is many.
func patches(shown, next *grid) (out []patch) {
	for y := range next.rows {
		if c := cost(y, shown.rows[y], next.rows[y]); c > 0 {
			out = append(out, patch{y, c})
		}
	}
	slices.SortStableFunc(out, func(a, b patch) int { return cmp.Compare(a.cost, b.cost) })
	return out
}

func cost(y int, old, now []cell) int {
	if slices.Equal(old, now) {
		return 0
	}
	p := newPen()
	p.row(y, old, now)
	return p.Len()
}

// update writes what leads from shown to next, at most budget bytes but at least one
// row, and notes in shown what was written; done: nothing is left.
func update(p *pen, shown, next *grid, budget int) (done bool) {
	scroll(p, shown, next)
	list := patches(shown, next)
	fit := 0
	for room := budget - p.Len(); fit < len(list) && (fit == 0 || room >= list[fit].cost); fit++ {
		room -= list[fit].cost
	}
	done = fit == len(list)
	list = list[:fit]
	slices.SortFunc(list, func(a, b patch) int { return cmp.Compare(a.y, b.y) })
	for _, one := range list {
		p.row(one.y, shown.rows[one.y], next.rows[one.y])
		copy(shown.rows[one.y], next.rows[one.y])
	}
	p.ink(style{})
	return done
}
