// Package clock makes time a dependency, so that what depends on it can be
// tested without waiting.
package clock

import "time"

// Clock tells the time. Its zone is the one times are shown in by default.
type Clock interface {
	Now() time.Time
}

// Real is the machine's clock.
type Real struct{}

// Now returns the machine's local time.
func (Real) Now() time.Time { return time.Now() }
