package service

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// pm2 is a process kept by PM2. `pm2 jlist` starts a daemon where none runs, so
// the daemon's socket is tried first.
type pm2 struct{ name, home string }

// pm2Home is the folder of PM2's daemon: the configured one, $PM2_HOME, ~/.pm2.
func pm2Home(configured string) string {
	if configured != "" {
		return config.Home(configured)
	}
	if env := os.Getenv("PM2_HOME"); env != "" {
		return env
	}
	return config.Home("~/.pm2")
}

func (p *pm2) Commands() health.Commands {
	n := quote(p.name)
	in := ""
	if p.home != pm2Home("") {
		in = "PM2_HOME=" + quote(p.home) + " "
	}
	return health.Commands{Status: in + "pm2 describe " + n, Start: in + "pm2 start " + n, Stop: in + "pm2 stop " + n}
}

func (p *pm2) run(ctx context.Context, args ...string) output {
	env := []string{"PM2_HOME=" + p.home, "PM2_DISCRETE_MODE=true", "NO_COLOR=1"}
	return run(ctx, "", env, "pm2", args...)
}

// alive tells whether a daemon listens: a socket file alone may be a leftover.
func (p *pm2) alive(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(p.home, "rpc.sock"))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func (p *pm2) Status(ctx context.Context) health.Process {
	if !p.alive(ctx) {
		return health.Process{Kind: "pm2", Name: p.name, State: health.ProcessStopped,
			Reason: lang.M("no PM2 daemon is running in %s", p.home), Remedy: "pm2 resurrect"}
	}
	out := p.run(ctx, "jlist")
	if out.err != nil {
		return unknown("pm2", p.name, out.reason("pm2"))
	}
	return pm2Status(p.name, out.stdout)
}

// pm2App is the part of an element of `pm2 jlist` that is used here.
type pm2App struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Monit struct {
		Memory int64   `json:"memory"`
		CPU    float64 `json:"cpu"` // percent of one core
	} `json:"monit"`
	Env struct {
		Status   string `json:"status"`
		Restarts int    `json:"restart_time"`
		Unstable int    `json:"unstable_restarts"`
		Err      string `json:"pm_err_log_path"`
		Out      string `json:"pm_out_log_path"`
		Uptime   int64  `json:"pm_uptime"` // start, ms since 1970
	} `json:"pm2_env"`
}

// pm2Status finds the named process in the answer of `pm2 jlist`; in cluster
// mode several instances share the name.
func pm2Status(name, answer string) health.Process {
	p := health.Process{Kind: "pm2", Name: name, State: health.ProcessUnknown}
	apps, err := pm2Apps(answer)
	if err != nil {
		p.Reason = lang.M("pm2 jlist did not print JSON")
		p.Raw = answer
		return p
	}
	var mine []pm2App
	for _, a := range apps {
		if a.Name == name {
			mine = append(mine, a)
		}
	}
	if len(mine) == 0 {
		p.State, p.Reason = health.ProcessStopped, lang.M("PM2 has no process %s", name)
		return p
	}
	worst := health.ProcessRunning
	for _, a := range mine {
		p.Instances++
		p.Restarts += a.Env.Restarts
		p.Unstable = max(p.Unstable, a.Env.Unstable)
		p.Again = p.Again || a.Env.Status == "waiting restart"
		p.Logs = append(p.Logs, a.Env.Err, a.Env.Out)
		state := pm2State(a.Env.Status)
		if state == health.ProcessRunning {
			p.Running++
			p.MemoryBytes += a.Monit.Memory
			p.CPU += a.Monit.CPU / 100
			if since := time.UnixMilli(a.Env.Uptime); p.PID == 0 || since.Before(p.Since) {
				p.PID, p.Since = a.PID, since
			}
			continue
		}
		worst, p.Reason = state, lang.M("PM2 reports %q", a.Env.Status)
	}
	if p.State = worst; p.Running > 0 {
		p.State, p.Again = health.ProcessRunning, false
	}
	raw, _ := json.MarshalIndent(mine, "", "  ")
	p.Raw = string(raw)
	return p
}

func pm2State(s string) health.ProcessState {
	switch s {
	case "online":
		return health.ProcessRunning
	case "launching", "waiting restart":
		return health.ProcessStarting
	case "stopped", "stopping":
		return health.ProcessStopped
	case "errored":
		return health.ProcessFailed
	}
	return health.ProcessUnknown
}

// pm2Apps reads the JSON array in an answer that may begin with notes such as
// "[PM2] Spawning PM2 daemon" or "In-memory PM2 is out-of-date".
func pm2Apps(answer string) ([]pm2App, error) {
	rest := answer
	for range maxNotes {
		at := strings.IndexByte(rest, '[')
		if at < 0 {
			break
		}
		var apps []pm2App
		if json.NewDecoder(strings.NewReader(rest[at:])).Decode(&apps) == nil {
			return apps, nil
		}
		rest = rest[at+1:]
	}
	return nil, errors.New("no JSON array in the answer")
}

// maxNotes bounds how many brackets before the JSON are looked at.
const maxNotes = 100

func (p *pm2) Start(ctx context.Context) error {
	switch now := p.Status(ctx); {
	case now.State == health.ProcessRunning && now.Running == now.Instances:
		return nil
	case now.Instances == 0 && now.State == health.ProcessStopped:
		return ops.Wrap(nil, ops.Failed, lang.M("PM2 has no process %s, so it cannot start it", p.name)).
			WithHint(lang.M("restore the saved processes with `pm2 resurrect`, or start the service once with its " +
				"own start command"))
	}
	return p.run(ctx, "start", p.name).failed(p.Commands().Start)
}

func (p *pm2) Stop(ctx context.Context) error {
	if now := p.Status(ctx); now.State == health.ProcessStopped {
		return nil
	}
	return p.run(ctx, "stop", p.name).failed(p.Commands().Stop)
}
