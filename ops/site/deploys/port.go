package deploys

import (
	"strconv"
	"sync"

	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops"
	"opsdeck/ops/probe"
)

// portFree refuses to start a service on whose port another program listens. That of
// health.url may be the port of what serves users for it, such as nginx, which has it all
// the time: the service's own is then the one of its environment file, if any.
func portFree(d *Desk, dir string) error {
	v := view{Desk: d, dir: dir, sockets: sync.OnceValues(listener.All)}
	v.env = v.settings()
	own, _ := v.env.Env.Value.Get("PORT")
	sockets, err := v.sockets()
	if err != nil {
		return nil // it is started, and says itself what is wrong
	}
	port := probe.LocalPort(d.Service.Health.URL)
	held := sockets[port]
	if v.fronted(port, own) || own != strconv.Itoa(port) && len(held) > 0 && probe.Front(held[0].Name) {
		port, _ = strconv.Atoi(own)
		held = sockets[port]
	}
	if port == 0 || len(held) == 0 {
		return nil
	}
	return taken(port, held[0])
}

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
