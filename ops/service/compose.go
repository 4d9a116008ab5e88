package service

import (
	"context"
	"os/exec"
	"strings"
	"sync"

	"opsdeck/internal/lang"
	"opsdeck/ops/health"
)

// compose is a service of a Docker Compose project.
type compose struct {
	service, dir string

	mu    sync.Mutex
	found []string // the Compose command, once one has answered
}

// The two programs called Compose: the plugin of docker, and the older one of
// its own that Debian 12 and Ubuntu 22.04 still install.
var (
	composePlugin = []string{"docker", "compose"}
	composeOld    = []string{"docker-compose"}
)

// base is the Compose command that this machine has. The docker command may be
// there without its plugin, so the plugin is asked, once.
func (c *compose) base(ctx context.Context) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found != nil {
		return c.found
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		return composePlugin // the only one left; should it be missing, its own words say so
	}
	if run(ctx, "", nil, "docker", "compose", "version").err == nil {
		c.found = composePlugin
	} else if ctx.Err() == nil {
		c.found = composeOld
	} else {
		return composeOld
	}
	return c.found
}

func (c *compose) Commands() health.Commands {
	in := ""
	base := strings.Join(c.base(context.Background()), " ")
	s := quote(c.service)
	if c.dir != "" {
		in = "cd " + quote(c.dir) + " && "
	}
	return health.Commands{
		Status: in + base + " ps --all " + s,
		Start:  in + base + " up -d --no-recreate " + s,
		Stop:   in + base + " stop " + s,
	}
}

func (c *compose) run(ctx context.Context, args ...string) output {
	argv := append(append([]string{}, c.base(ctx)...), args...)
	return run(ctx, c.dir, nil, argv[0], argv[1:]...)
}

// Status asks Compose for the service's containers, and the engine how they
// stand: only the newer Compose can say that itself, and it leaves out restarts
// and start times.
func (c *compose) Status(ctx context.Context) health.Process {
	out := c.run(ctx, "ps", "--all", "--quiet", c.service)
	if out.err != nil {
		return c.unknown(out, strings.Join(c.base(ctx), " "))
	}
	ids := strings.Fields(out.stdout)
	if len(ids) == 0 {
		return composeStatus(c.service, "")
	}
	out = run(ctx, c.dir, nil, "docker", append([]string{"inspect", "--format", containerFormat}, ids...)...)
	if out.err != nil {
		return c.unknown(out, "docker")
	}
	return composeStatus(c.service, out.stdout)
}

// unknown is a service that could not be looked at. The commonest cause is an
// engine that is down.
func (c *compose) unknown(out output, program string) health.Process {
	p := unknown("compose", c.service, out.reason(program))
	if engineDown(out.stderr) {
		p.Reason = lang.M("the Docker engine does not respond")
		p.Remedy = "systemctl start docker"
	}
	return p
}

func (c *compose) Start(ctx context.Context) error {
	out := c.run(ctx, "up", "-d", "--no-recreate", c.service)
	out.stderr = lastCause(out.stderr)
	return out.failed(c.Commands().Start)
}

// lastCause leaves out the older Compose's last line, which says only that there
// was an error.
func lastCause(stderr string) string {
	return strings.TrimSuffix(strings.TrimSpace(stderr), "Encountered errors while bringing up the project.")
}

func (c *compose) Stop(ctx context.Context) error {
	return c.run(ctx, "stop", c.service).failed(c.Commands().Stop)
}
