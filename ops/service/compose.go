package service

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/health"
)

// compose is a service of a Docker Compose project.
type compose struct{ service, dir string }

// base is the Compose command that this machine has: the plugin of docker, or
// the older program of its own.
func (c *compose) base() []string {
	if _, err := exec.LookPath("docker"); err != nil {
		if _, err := exec.LookPath("docker-compose"); err == nil {
			return []string{"docker-compose"}
		}
	}
	return []string{"docker", "compose"}
}

func (c *compose) Commands() health.Commands {
	in, base, s := "", strings.Join(c.base(), " "), quote(c.service)
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
	argv := append(c.base(), args...)
	return run(ctx, c.dir, nil, argv[0], argv[1:]...)
}

func (c *compose) Status(ctx context.Context) health.Process {
	out := c.run(ctx, "ps", "--all", "--format", "json", c.service)
	if out.err != nil {
		return unknown("compose", c.service, out.reason(c.base()[0]))
	}
	return composeStatus(c.service, out.stdout)
}

// container is what `docker compose ps --format json` says of one.
type container struct {
	Service, State, Health string
	ExitCode               int
}

// composeStatus reads the answer: one JSON array (Compose before 2.21) or one
// object a line.
func composeStatus(service, answer string) health.Process {
	p := health.Process{Kind: "compose", Name: service, State: health.ProcessUnknown, Raw: answer}
	all, err := containers(answer)
	if err != nil {
		p.Reason = lang.M("docker compose gave no JSON: %s", err.Error())
		return p
	}
	p.Instances = len(all)
	if len(all) == 0 {
		p.State, p.Reason = health.ProcessStopped, lang.M("it has no container")
		return p
	}
	failing := lang.Msg{}
	for _, one := range all {
		switch {
		case one.State == "running" && one.Health == "unhealthy":
			failing = lang.M("a container is unhealthy")
		case one.State == "running" && one.Health == "starting":
			p.Running++
			failing = lang.M("a container is starting")
		case one.State == "running":
			p.Running++
		case one.State == "restarting" || one.State == "dead":
			failing = lang.M("a container is %s, exit code %d", one.State, one.ExitCode)
		default:
			failing = lang.M("a container is %s, exit code %d", one.State, one.ExitCode)
		}
	}
	p.State, p.Reason = composeState(all, p.Running), failing
	return p
}

func composeState(all []container, running int) health.ProcessState {
	switch first := all[0]; {
	case running == len(all) && first.Health == "starting":
		return health.ProcessStarting
	case running > 0:
		return health.ProcessRunning
	case first.State == "created" || first.State == "exited" || first.State == "paused":
		return health.ProcessStopped
	}
	return health.ProcessFailed
}

func containers(answer string) ([]container, error) {
	var all []container
	if strings.HasPrefix(strings.TrimSpace(answer), "[") {
		err := json.Unmarshal([]byte(answer), &all)
		return all, err
	}
	for dec := json.NewDecoder(strings.NewReader(answer)); ; {
		var one container
		if err := dec.Decode(&one); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

func (c *compose) Start(ctx context.Context) error {
	return c.run(ctx, "up", "-d", "--no-recreate", c.service).failed(c.Commands().Start)
}

func (c *compose) Stop(ctx context.Context) error {
	return c.run(ctx, "stop", c.service).failed(c.Commands().Stop)
}
