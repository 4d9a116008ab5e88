package probe

import (
	"strconv"

	"opsdeck/internal/listener"
)

func itoa(n int) string { return strconv.Itoa(n) }

// portHolder is the process that listens on a TCP port of this machine; pid is 0
// when none does, or it may not be seen.
func portHolder(port int) (pid int, name string) {
	sockets, err := listener.On(port)
	if err != nil || len(sockets) == 0 {
		return 0, ""
	}
	return sockets[0].PID, sockets[0].Name
}
