package mysql

import "net"

// Loopback tells whether a target is on this machine, so that nobody can listen in.
func Loopback(t Target) bool {
	host, _, err := net.SplitHostPort(t.Addr)
	return t.Network == "unix" || host == "localhost" || err == nil && net.ParseIP(host).IsLoopback()
}
