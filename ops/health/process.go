package health

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// ProcessState is how the service's process stands.
type ProcessState string

// The states of a process. Failed means that its keeper gave up on it.
const (
	ProcessRunning  ProcessState = "running"
	ProcessStarting ProcessState = "starting"
	ProcessStopped  ProcessState = "stopped"
	ProcessFailed   ProcessState = "failed"
	ProcessUnknown  ProcessState = "unknown"
)

// Label is the word for people.
func (s ProcessState) Label() lang.Msg {
	switch s {
	case ProcessRunning:
		return lang.M("running")
	case ProcessStarting:
		return lang.M("starting")
	case ProcessStopped:
		return lang.M("stopped")
	case ProcessFailed:
		return lang.M("failed")
	}
	return lang.M("unknown")
}

// State is what a person should think of it.
func (s ProcessState) State() ops.State {
	switch s {
	case ProcessRunning:
		return ops.StateOK
	case ProcessStarting:
		return ops.StateWarning
	case ProcessStopped, ProcessFailed:
		return ops.StateCritical
	}
	return ops.StateUnknown
}

// Process is what the keeper of the service's process (PM2, systemd, Docker
// Compose, a command) says about it. Zero values mean that it did not say.
type Process struct {
	Kind        string // pm2, systemd, compose, command, none
	Name        string
	State       ProcessState
	Remedy      string    // the command that helps, where it is not Commands.Start
	Dead        bool      // unknown, but what its status command says fits a dead program too
	Again       bool      // it ended by itself, and its keeper waits to start it again
	Reason      lang.Msg  // why it is unknown, stopped or failed, where that is known
	PID         int       // of the first instance
	Since       time.Time // running since
	Restarts    int
	Unstable    int      // restarts in a row that did not live long, where the keeper counts them
	Logs        []string // files that its output goes to, where the keeper tells
	Instances   int      // that should run; 0 counts as 1
	Running     int      // that do
	MemoryBytes int64
	CPU         float64 // share of one core: 0.5 is half of it
	Raw         string  // the answer as it came, bounded
}

// Commands are the very commands that a Controller runs, as an operator would
// type them. Empty means that there is none.
type Commands struct{ Status, Start, Stop string }

// Controller looks at, starts and stops the service's process. Start of what
// runs and Stop of what is stopped succeed and change nothing.
type Controller interface {
	// Status never fails on a stopped process; what could not be found out is
	// ProcessUnknown with a Reason.
	Status(ctx context.Context) Process
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Commands() Commands
}
