package deploys

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"

	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
	"opsdeck/ops/host"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
	"opsdeck/ops/service"
)

// places are the ports of the service, its database and its Redis on this machine.
func (v view) places(ctx context.Context) []deploy.Place {
	var out []deploy.Place
	if port := probe.LocalPort(v.Service.Health.URL); port > 0 && !v.isSide(port) {
		p := deploy.Place{Port: port, What: v.title(), Running: v.process.State == health.ProcessRunning}
		own, _ := v.env.Env.Value.Get("PORT")
		p.Owned = v.process.Kind != "none" && v.process.Kind != "command" && v.process.Kind != "compose" &&
			!v.fronted(port, own)
		out = append(out, v.held(p, v.owner(ctx)))
	}
	out = append(out, v.sides(ctx)...)
	if t, err := mysql.Resolve(v.Service.Database); v.hasDatabase() && err == nil && t.Network == "tcp" &&
		mysql.Loopback(t) {
		_, port, _ := net.SplitHostPort(t.Addr)
		n, _ := strconv.Atoi(port)
		out = append(out, v.held(deploy.Place{Port: n, What: "MySQL", Inner: true}, nil))
	}
	if port := probe.LocalPort("redis://" + v.Service.Redis.Address); v.Service.Redis.Address != "" && port > 0 {
		out = append(out, v.held(deploy.Place{Port: port, What: "Redis", Inner: true}, nil))
	}
	return out
}

// title is the name of the service's process, else that of the service.
func (v view) title() string {
	if v.Service.Process.Name != "" {
		return v.Service.Process.Name
	}
	return v.Service.Name
}

// isSide tells whether a port is one of the two of deploy.switch.
func (v view) isSide(port int) bool {
	return len(v.conf.Switch.Ports) == 2 && slices.Contains(v.conf.Switch.Ports, port)
}

// sides are the two ports of deploy.switch: that of the instance that users get and that of
// the next release.
func (v view) sides(ctx context.Context) []deploy.Place {
	ports := v.conf.Switch.Ports
	if len(ports) != 2 {
		return nil
	}
	owner := v.owner(ctx)
	start := v.ctl.Commands().Start
	own := v.conf.Switch.Start
	if own != "" {
		owner = v.starter(ctx)
	}
	active, _, err := v.active()
	var out []deploy.Place
	running := v.process.State == health.ProcessRunning
	for _, port := range ports {
		p := v.held(deploy.Place{Port: port, What: v.title(), Owned: true}, owner)
		running = running || slices.ContainsFunc(p.Held.Value, func(h deploy.Holder) bool { return h.Ours.Value })
		out = append(out, p)
	}
	for i := range out {
		switch {
		case err != nil: // v.front says why
		case out[i].Port == active:
			out[i].Turn = deploy.TurnUsers
			out[i].Running = running
			if out[i].Start = start; own != "" {
				out[i].Start = "export PORT=" + strconv.Itoa(active) + "; " + own
			}
		default:
			out[i].Turn = deploy.TurnNext
		}
	}
	return out
}

// belongs tells whether a process that listens is the service's.
type belongs func(by listener.Socket) deploy.Fact[bool]

// held looks who listens on a port.
func (v view) held(p deploy.Place, ours belongs) deploy.Place {
	sockets, err := v.sockets()
	if err != nil {
		p.Held = deploy.Unknown[[]deploy.Holder](lang.Raw(err.Error()))
		return p
	}
	var holders []deploy.Holder
	for _, s := range sockets[p.Port] {
		h := deploy.Holder{PID: s.PID, Name: s.Name, Public: s.Addr.IsUnspecified()}
		if s.PID > 0 && p.Owned {
			h.Ours = ours(s)
		}
		holders = append(holders, h)
	}
	p.Held = deploy.Known(holders)
	return p
}

// owner knows the processes that the keeper of the service keeps, and their children. PM2,
// which may keep several, is asked once more for these.
func (v view) owner(ctx context.Context) belongs {
	twin, several := v.ctl.(service.Twin)
	var owns func() (func(pid int) bool, error)
	if several {
		owns = sync.OnceValues(func() (func(pid int) bool, error) { return twin.Owns(ctx) })
	}
	return func(by listener.Socket) deploy.Fact[bool] {
		switch {
		case v.process.State == health.ProcessUnknown:
			return deploy.Unknown[bool](v.process.Reason)
		case by.PID == v.process.PID || slices.Contains(host.Parents(by.PID), v.process.PID):
			return deploy.Known(true)
		case !several:
			return deploy.Known(false)
		}
		is, err := owns()
		if err != nil {
			return deploy.Unknown[bool](v.Explain(err).What)
		}
		return deploy.Known(is(by.PID))
	}
}

// relays are the programs that listen for what runs in a container.
var relays = []string{"docker-proxy", "rootlessport", "rootlesskit", "conmon"}

// starter knows the processes that deploy.switch.start has started too: they work in a
// folder of the code or were started with a path of one, for the command is run there.
func (v view) starter(ctx context.Context) belongs {
	owner := v.owner(ctx)
	main := mainTree(ctx, v.dir)
	folders := []string{v.dir, main, releases{v.Desk}.folderOf(main)}
	return func(by listener.Socket) deploy.Fact[bool] {
		kept := owner(by)
		switch {
		case kept.Value:
			return kept
		case v.dir == "":
			return deploy.Unknown[bool](v.noDir)
		case slices.Contains(relays, by.Name):
			return deploy.Unknown[bool](lang.M("it listens for a container"))
		}
		for _, folder := range folders {
			is, err := host.WorksIn(by.PID, folder)
			if err != nil {
				return deploy.Unknown[bool](lang.M("permission denied"))
			}
			if is {
				return deploy.Known(true)
			}
		}
		return deploy.Known(false)
	}
}
