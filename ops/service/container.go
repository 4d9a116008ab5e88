package service

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/health"
)

// containerFormat makes `docker inspect` print one object a line with no more
// than is used here: the whole answer holds the container's environment, and so
// its passwords.
const containerFormat = `{"name":{{json .Name}},"once":{{json (index .Config.Labels "com.docker.compose.oneoff")}},"restarts":{{.RestartCount}},"state":{{json .State}}}`

// container is one of a service's containers.
type container struct {
	Name     string
	Once     string // "True" for a container of `compose run`, which is not the service
	Restarts int
	State    struct {
		Status    string // created running paused restarting removing exited dead
		Pid       int
		ExitCode  int
		OOMKilled bool
		Error     string
		StartedAt time.Time
		Health    *struct {
			Status string // starting healthy unhealthy
			Log    []struct{ Output string }
		}
	}
}

// health is what the container's own health check says; "" where it has none.
func (c *container) health() string {
	if c.State.Health == nil {
		return ""
	}
	return c.State.Health.Status
}

// composeStatus reads the answer of docker inspect about a service's containers;
// an empty one means that there are none.
func composeStatus(service, answer string) health.Process {
	p := health.Process{Kind: "compose", Name: service, State: health.ProcessUnknown, Raw: answer}
	all, err := containers(answer)
	if err != nil {
		p.Reason = lang.M("docker inspect did not print JSON: %s", err.Error())
		return p
	}
	if p.Instances = len(all); len(all) == 0 {
		p.State, p.Reason = health.ProcessStopped, lang.M("it has no container")
		return p
	}
	for _, one := range all {
		p.Restarts += one.Restarts
		state, why := one.judge()
		if p.State == health.ProcessUnknown || state != health.ProcessRunning {
			p.State = state
		}
		if !why.Empty() {
			p.Reason = why
		}
		if state != health.ProcessRunning && state != health.ProcessStarting {
			continue
		}
		if p.Running++; p.PID == 0 || one.State.StartedAt.Before(p.Since) {
			p.PID, p.Since = one.State.Pid, one.State.StartedAt
		}
	}
	if p.Running > 0 && p.State != health.ProcessStarting {
		p.State = health.ProcessRunning // the others are told by their number
	}
	return p
}

// judge is how one container stands, and why where it does not run well.
func (c *container) judge() (health.ProcessState, lang.Msg) {
	switch status := c.State.Status; {
	case status == "running" && c.health() == "unhealthy":
		return health.ProcessFailed, c.unhealthy()
	case status == "running" && c.health() == "starting":
		return health.ProcessStarting, lang.M("a container is starting")
	case status == "running":
		return health.ProcessRunning, lang.Msg{}
	case c.State.OOMKilled:
		return health.ProcessFailed, lang.M("a container was killed: out of memory, exit code %d", c.State.ExitCode)
	case c.State.Error != "":
		return health.ProcessFailed, lang.M("a container fails to start: %s", redact.Text(c.State.Error))
	case status == "created" || status == "exited" || status == "paused":
		return health.ProcessStopped, lang.M("a container is %s, exit code %d", status, c.State.ExitCode)
	default:
		return health.ProcessFailed, lang.M("a container is %s, exit code %d", status, c.State.ExitCode)
	}
}

// unhealthy says so with the last words of the container's health check.
func (c *container) unhealthy() lang.Msg {
	log := c.State.Health.Log
	if len(log) == 0 {
		return lang.M("a container is unhealthy")
	}
	words, _, _ := strings.Cut(strings.TrimSpace(log[len(log)-1].Output), "\n")
	if words == "" {
		return lang.M("a container is unhealthy")
	}
	return lang.M("a container is unhealthy: %s", redact.Text(words))
}

// containers reads one object a line, without those of `compose run`.
func containers(answer string) ([]container, error) {
	var all []container
	for dec := json.NewDecoder(strings.NewReader(answer)); ; {
		var one container
		if err := dec.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if one.Once != "True" {
			all = append(all, one)
		}
	}
}
