package swap

import "time"

// A slow machine has the time that it takes.
func init() { lookLimit = 5 * time.Minute }
