package service

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/pattern"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// command is process control by the operator's own commands, run by sh -c.
type command struct {
	conf config.Process
	dir  string
}

// Exit codes of a status command, as init scripts have them (Linux Standard Base Core,
// "Init Script Actions"). Those of a dead program are also those of a check that failed,
// so before a stop they prove nothing.
const (
	deadWithPID  = 1
	deadWithLock = 2
	notRunning   = 3
)

// Commands are as a person types them anywhere: in the folder of the configuration, and
// without ending the shell by their own exit.
func (c *command) Commands() health.Commands {
	return health.Commands{
		Status: c.typed(c.conf.Status),
		Start:  c.typed(c.conf.Start),
		Stop:   c.typed(c.conf.Stop),
	}
}

var exits = pattern.New(`\bexit\b`)

func (c *command) typed(line string) string {
	switch {
	case line == "":
		return ""
	case c.dir != "":
		return "(cd " + quote(c.dir) + " || exit; " + line + ")"
	case exits.MatchString(line):
		return "(" + line + ")"
	}
	return line
}

func (c *command) Status(ctx context.Context) health.Process {
	p := health.Process{Kind: "command", Name: c.conf.Name, State: health.ProcessUnknown}
	if c.conf.Status == "" {
		p.Reason = lang.M("no status command is configured")
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	out := run(ctx, c.dir, nil, "sh", "-c", c.conf.Status)
	p.Raw = out.stdout + out.stderr
	switch {
	case out.err == nil:
		p.State = health.ProcessRunning
	case out.code == notRunning:
		p.State = health.ProcessStopped
	case out.timedOut():
		p.Reason = lang.M("the status command timed out")
	default:
		p.Dead = out.code == deadWithPID || out.code == deadWithLock
		p.Reason = lang.M("the status command exited with %d, where 0 means running and %d stopped: %s", out.code,
			notRunning, out.why())
	}
	return p
}

func (c *command) Start(ctx context.Context) error {
	return c.to(ctx, health.ProcessRunning, c.conf.Start, "start")
}

func (c *command) Stop(ctx context.Context) error {
	return c.to(ctx, health.ProcessStopped, c.conf.Stop, "stop")
}

// to runs a command unless the process stands as wanted already.
func (c *command) to(ctx context.Context, want health.ProcessState, line, verb string) error {
	if line == "" {
		return ops.E(ops.Config, lang.M("no %s command is configured", verb)).
			WithHint(lang.M("set process.%s in the configuration", verb))
	}
	if c.conf.Status != "" && c.Status(ctx).State == want {
		return nil
	}
	return run(ctx, c.dir, nil, "sh", "-c", line).failed(line)
}
