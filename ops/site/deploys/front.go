package deploys

import (
	"slices"
	"strconv"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/probe"
)

// instancePort is the port of one instance that health.url names, instead of nginx; 0 where
// it names none. Users get the other instance after a switch.
func instancePort(s *config.Service) int {
	port := probe.LocalPort(s.Health.URL)
	if !slices.Contains(s.Deploy.Switch.Ports, port) {
		return 0
	}
	return port
}

// asksUsers refuses a plan that switches where its later steps would ask the former
// instance whether the new one works.
func asksUsers(s *config.Service, steps []deploy.Step) error {
	port := instancePort(s)
	if port == 0 || !deploy.Beside(steps) {
		return nil
	}
	return ops.E(ops.Config,
		lang.M("health.url names port %s of one instance: after the switch it would check the wrong one",
			strconv.Itoa(port))).
		WithHint(lang.M("set health.url to the address of nginx, which users get: %s",
			"health: {url: http://localhost}"))
}

// front judges whether the checks ask what users get.
func (v view) front() []deploy.Finding {
	if v.conf.Switch.File == "" || v.Service.Health.URL == "" {
		return nil
	}
	f := deploy.Finding{
		Name:   "health-url",
		Detail: lang.M("health.url names neither instance of deploy.switch.ports"),
		Why:    lang.M("after a switch, the checks would ask the old release"),
	}
	if port := instancePort(v.Service); port > 0 {
		f.State = ops.StateWarning
		f.Detail = lang.M("health.url names port %s of one instance, not nginx", strconv.Itoa(port))
		f.Fix = "health: {url: http://localhost}"
	}
	return []deploy.Finding{f}
}

// upstreamFile judges the file that says which instance users get.
func (v view) upstreamFile() []deploy.Finding {
	s := v.conf.Switch
	if s.File == "" || len(s.Ports) != 2 {
		return nil
	}
	f := deploy.Finding{Name: "nginx-upstream", Why: lang.M("no release can be started beside the running one")}
	active, _, err := v.active()
	if err == nil {
		return []deploy.Finding{{Name: f.Name, Detail: lang.M("nginx sends users to port %d", active)}}
	}
	f.State = ops.StateWarning
	f.Detail = v.Explain(err).What
	f.Fix = firstUpstream(v.Desk)
	return []deploy.Finding{f}
}

// fronted tells whether a port is that of the program in front of the service, such as
// nginx, and not the service's own: as deploy.switch says, else by who listens there while
// the service's own PORT is another one.
func (v view) fronted(port int, own string) bool {
	if c := v.conf.Switch; c.File != "" && len(c.Ports) > 0 {
		return !slices.Contains(c.Ports, port)
	}
	if own == strconv.Itoa(port) || own == "" && port != 80 && port != 443 {
		return false
	}
	sockets, err := v.sockets()
	other := func(s listener.Socket) bool { return !probe.Front(s.Name) }
	return err == nil && len(sockets[port]) > 0 && !slices.ContainsFunc(sockets[port], other)
}
