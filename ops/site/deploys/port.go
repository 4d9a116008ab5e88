package deploys

import (
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops"
)

// taken is the error of a port on which another program listens. Who it is can be seen
// by its owner and by root alone.
func taken(port int, by listener.Socket) error {
	if by.PID == 0 {
		return ops.E(ops.Failed, lang.M("port %d is taken by another process", port)).
			WithHint(lang.M("See who holds the port: %s", "ss -ltnp 'sport = :"+strconv.Itoa(port)+"'"))
	}
	return ops.E(ops.Failed, lang.M("port %d is taken by %s (pid %d)", port, by.Name, by.PID)).
		WithHint(lang.M("find out what it is: ps -fp %s", strconv.Itoa(by.PID)))
}
