package rowread

import "time"

// SetStallLimit changes how long a server may be silent; the answer sets it back.
func SetStallLimit(d time.Duration) (back func()) {
	was := stallLimit
	stallLimit = d
	return func() { stallLimit = was }
}
