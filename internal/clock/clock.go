// Package clock makes time a dependency, so that what depends on it can be
// tested without waiting.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. Its zone is the one times are shown in by default.
type Clock interface {
	Now() time.Time
}

// Real is the machine's clock.
type Real struct{}

// Now returns the machine's local time.
func (Real) Now() time.Time { return time.Now() }

// Fake is a clock that moves only when told to. The zero value stands at the
// zero time; it is safe for use by several goroutines.
type Fake struct {
	mu sync.Mutex
	t  time.Time
}

// NewFake returns a clock that stands at t.
func NewFake(t time.Time) *Fake { return &Fake{t: t} }

// Now returns the time the clock stands at.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.t
}

// Advance moves the clock by d, which may be negative.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t = f.t.Add(d)
}

// Set makes the clock stand at t.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t = t
}
