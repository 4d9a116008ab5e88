package daemon

import (
	"net"
	"sync"
)

// Supervisor returns what tells systemd that watch is ready, and at each call that it lives, by the
// protocol of sd_notify(3). Without systemd it is nil.
func Supervisor(getenv func(string) string) func() {
	socket := getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	send := func(text string) {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Write([]byte(text))
	}
	ready := sync.OnceFunc(func() { send("READY=1") })
	return func() {
		ready()
		send("WATCHDOG=1")
	}
}
