package mysql

import (
	"net"
	"opsdeck/internal/listener"
)

// Loopback tells whether a target is on this machine, so that nobody can listen in.
func Loopback(t Target) bool {
	host, _, err := net.SplitHostPort(t.Addr)
	return t.Network == "unix" || err == nil && listener.Loopback(host)
}
