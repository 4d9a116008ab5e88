package rowread

import (
	"net"
	"time"
)

// Wire is a connection as this package's are.
func Wire(c net.Conn) net.Conn { return &wire{Conn: c} }

// SetLookEvery changes how long a write may be stuck before it is looked at.
func SetLookEvery(d time.Duration) (back func()) {
	was := lookEvery
	lookEvery = d
	return func() { lookEvery = was }
}

// SetStallLimit changes how long a server may be silent; the answer sets it back.
func SetStallLimit(d time.Duration) (back func()) {
	was := stallLimit
	stallLimit = d
	return func() { stallLimit = was }
}
