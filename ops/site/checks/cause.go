package checks

import (
	"context"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/health"
	"opsdeck/ops/probe"
	"opsdeck/ops/service"
)

// portTaken names who holds the service's port while the service does not run.
func (b *checker) portTaken(look health.Probe) health.Probe {
	if port := probe.LocalPort(b.Service.Health.URL); port > 0 {
		return probe.Taken(look, port)
	}
	return look
}

// containerOf says of a database server that does not answer what became of the container
// that it runs in, where the configuration names one that is there.
func containerOf(d config.Database, look health.Probe) health.Probe {
	if d.Container == "" {
		return look
	}
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		if !r.Down {
			return r
		}
		c := service.Container(ctx, d.Container)
		if c.Cause.Empty() {
			return r
		}
		r.Why = lang.M("%s; %s", r.Why, c.Cause)
		r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
		if c.Remedy != "" && !strings.HasPrefix(c.Remedy, "docker start ") { // which r.Next says, too
			r.Next = lang.M("First: %s. %s", c.Remedy, r.Next)
		}
		return r
	}
}
