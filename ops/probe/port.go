package probe

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops/health"
)

func itoa(n int) string { return strconv.Itoa(n) }

// holding is whether a TCP port of this machine has a listener.
type holding int

const (
	unknown holding = iota
	free
	taken
)

// portHolder tells whether a process listens on a TCP port of this machine, and which;
// pid is 0 when it may not be seen.
func portHolder(port int) (held holding, pid int, name string) {
	sockets, err := listener.On(port)
	switch {
	case err != nil:
		return unknown, 0, ""
	case len(sockets) == 0:
		return free, 0, ""
	}
	return taken, sockets[0].PID, sockets[0].Name
}

func takenBy(port, pid int, name string) lang.Msg {
	return lang.M("port %d is taken by pid %d (%s)", port, pid, name)
}

// LocalPort is the port of an address on this machine; 0 where it is elsewhere.
func LocalPort(address string) int {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return 0
	}
	if !listener.Loopback(u.Hostname()) {
		return 0
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	return port
}

// fronts are programs that serve users on behalf of others, by the names of their processes.
var fronts = []string{"nginx", "apache2", "httpd", "caddy", "haproxy", "traefik"}

// Front tells whether a process is such a program.
func Front(name string) bool { return slices.Contains(fronts, name) }

// Taken adds to a look at a process who listens on its port while it does not run: it
// cannot be started then, and what answers there is another program. One that serves users
// for the service has its port all the time, and is no cause.
func Taken(look health.Probe, port int) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		switch status, _ := r.Field("status").(string); health.ProcessState(status) {
		case health.ProcessStopped, health.ProcessFailed:
		default:
			return r
		}
		_, pid, name := portHolder(port)
		if pid == 0 || Front(name) {
			return r
		}
		r.Add("port_taken_by", pid, lang.Raw(name))
		switch cause := takenBy(port, pid, name); {
		case r.Why.Empty():
			r.Why = cause
		case !strings.Contains(r.Why.String(), cause.String()): // its log may say so already
			r.Why = lang.M("%s; %s", cause, r.Why)
		}
		r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
		r.Next = holder(port)
		return r
	}
}

// holder is how to see who holds a port.
func holder(port int) lang.Msg {
	return lang.M("See who holds the port: %s", "ss -ltnp 'sport = :"+itoa(port)+"'")
}
