package logview

import (
	"math"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/ops/logs"
)

// yScale says how high a bar of the timeline is.
type yScale struct {
	top    int32 // what the whole height stands for
	height int   // in cells
	log    bool  // by the logarithm, as errors would not be seen beside a busy column
}

// scaleOf is linear where errors can be seen so, else logarithmic.
func scaleOf(counts [][7]int32, height int) yScale {
	s := yScale{top: 1, height: height}
	least := int32(0)
	for _, c := range counts {
		s.top = max(s.top, total(c))
		bad := c[logs.LevelError] + c[logs.LevelFatal]
		if bad > 0 && (least == 0 || bad < least) {
			least = bad
		}
	}
	s.log = least > 0 && int64(least)*int64(height)*8 < int64(s.top)
	return s
}

// eighths is the height of a number in eighths of a cell; what is there is seen.
func (s yScale) eighths(v int32) int {
	full := s.height * 8
	switch {
	case v <= 0:
		return 0
	case s.log:
		return max(1, int(float64(full)*math.Log1p(float64(v))/math.Log1p(float64(s.top))))
	}
	return max(1, int(int64(v)*int64(full)/int64(s.top)))
}

// scaleWords say what a column and the top stand for, as far as there is room.
func (p *look) scaleWords(column time.Duration, y yScale, room int) string {
	e := p.env
	span := human.Duration(column)
	top := human.Count(int64(y.top))
	all := []string{e.T("%s per column, top %s", span, top), e.T("%s per column", span)}
	if y.log {
		all[0] = e.T("%s per column, top %s, log scale", span, top)
	}
	for _, words := range all {
		if cells.Width(words) <= room {
			return words
		}
	}
	return ""
}

// halfCell is in the place of the second cell of a wide letter.
const halfCell = -1

// inCells is a line of cells as text.
func inCells(line []rune) string {
	var b strings.Builder
	for _, r := range line {
		if r != halfCell {
			b.WriteRune(r)
		}
	}
	return b.String()
}
