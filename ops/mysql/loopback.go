package mysql

import (
	"net"
	"strings"
)

// Loopback tells whether a target is on this machine, so that nobody can listen in.
func Loopback(t Target) bool {
	host, _, err := net.SplitHostPort(t.Addr)
	return t.Network == "unix" || err == nil && loopbackHost(host)
}

// loopbackHost tells whether a host is this machine.
func loopbackHost(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
