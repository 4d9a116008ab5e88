package swap

import "time"

// Slow machines get more time.
func init() { lookLimit = 5 * time.Minute }
