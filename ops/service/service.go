// Package service looks at, starts and stops the process of a service through
// what keeps it: PM2, systemd, Docker Compose, or commands of the operator's
// own. Commands run in a session of their own with bounded output, and end with
// their context; nothing secret is ever put on a command line.
package service

import (
	"context"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// New makes the controller that the configuration names. An empty kind is none.
func New(p config.Process) (health.Controller, error) {
	if p.Name == "" && (p.Kind == "pm2" || p.Kind == "systemd" || p.Kind == "compose") {
		return nil, ops.E(ops.Config, lang.M("process control %q has no name", p.Kind)).
			WithHint(lang.M("set process.name in the configuration"))
	}
	switch p.Kind {
	case "pm2":
		return &pm2{name: p.Name, home: pm2Home(p.Home)}, nil
	case "systemd":
		return &systemd{unit: p.Name}, nil
	case "compose":
		return &compose{service: p.Name, dir: config.Home(p.Dir)}, nil
	case "command":
		return &command{conf: p, dir: config.Home(p.Dir)}, nil
	case "", "none":
		return none{}, nil
	}
	return nil, ops.E(ops.Config, lang.M("process control %q is unknown", p.Kind)).
		WithHint(lang.M("use pm2, systemd, compose, command or none"))
}

// none is a service whose process is nobody's business here.
type none struct{}

func (none) Status(context.Context) health.Process {
	return health.Process{
		Kind:   "none",
		State:  health.ProcessUnknown,
		Reason: lang.M("no process control is configured"),
	}
}
func (none) Start(context.Context) error { return nil }
func (none) Stop(context.Context) error  { return nil }
func (none) Commands() health.Commands   { return health.Commands{} }

// unknown is the status of a process that could not be looked at.
func unknown(kind, name string, why lang.Msg) health.Process {
	return health.Process{Kind: kind, Name: name, State: health.ProcessUnknown, Reason: why}
}

// quote writes an argument as a shell would want it.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(plainRunes, r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const plainRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-"
