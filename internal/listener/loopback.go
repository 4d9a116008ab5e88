package listener

import (
	"net"
	"strings"
)

// Loopback tells whether a host, as in a URL or before a port, is this machine.
func Loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
