package alert

import "time"

// Count is the matches of a rule in its window, in parts of time that a jump of the
// clock does not move.
type Count struct {
	Parts []int64 `json:"parts"`   // the newest last
	Into  Span    `json:"into_ms"` // of the newest part
}

// parts is how many parts a window has.
const parts = 20

// Add takes n more matches after a step of time, and returns how many there are in
// the window.
func (c *Count) Add(n int64, elapsed, window time.Duration) (sum int64) {
	if len(c.Parts) != parts {
		c.Parts = append(make([]int64, parts), c.Parts...)
		c.Parts = c.Parts[len(c.Parts)-parts:]
	}
	part := max(window/parts, time.Millisecond)
	c.Into += Span(elapsed)
	for i := 0; time.Duration(c.Into) >= part; i++ {
		if i > parts {
			c.Into = 0
			break
		}
		c.Into -= Span(part)
		c.Parts = append(c.Parts[1:], 0)
	}
	c.Parts[parts-1] += n
	for _, x := range c.Parts {
		sum += x
	}
	return sum
}

// None tells that there is no match in the window.
func (c *Count) None() bool {
	for _, x := range c.Parts {
		if x != 0 {
			return false
		}
	}
	return true
}
