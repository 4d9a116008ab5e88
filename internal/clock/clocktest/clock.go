// Package clocktest has a clock for tests.
package clocktest

import (
	"sync"
	"time"
)

// Clock moves only when told to. The zero value shows the zero time; it is safe for use
// by several goroutines.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// New returns a clock that shows t.
func New(t time.Time) *Clock { return &Clock{t: t} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Set makes the clock show t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}
