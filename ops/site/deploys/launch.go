package deploys

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/typed"
	"opsdeck/ops"
)

// Launcher runs deployments in processes of their own.
type Launcher struct{ *Desk }

// Launch starts this program with the words of a command that deploys, in a session of its
// own: whoever launched it may end. It returns once the process has written to a journal,
// or the reason why it ended before.
func (d Launcher) Launch(ctx context.Context, words ...string) error {
	before, err := d.written()
	if err != nil {
		return err
	}
	said := filepath.Join(d.StateDir, "deploys", "launch.log")
	pid, exited, err := d.spawn(said, words)
	if err != nil {
		return err
	}
	for {
		select {
		case err := <-exited:
			if now, rerr := d.written(); err == nil || rerr == nil && now > before {
				return nil // how it ended is in its journal
			}
			return launchError(said, err)
		case <-ctx.Done():
			return ctx.Err() // it goes on
		case <-time.After(poll):
		}
		who, held, err := lock.Look(d.Store().Lock(d.Service.Name))
		now, rerr := d.written()
		if err == nil && held && who.PID == pid && rerr == nil && now > before {
			return nil
		}
	}
}

// written is how many lines the journals of the service have.
func (d Launcher) written() (n int, err error) {
	all, err := d.Store().Of(d.Service.Name)
	for _, one := range all {
		n += len(one.Lines)
	}
	return n, err
}

// spawn starts the process; exited gets its end.
func (d Launcher) spawn(said string, words []string) (pid int, exited chan error, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(said), 0o700); err != nil {
		return 0, nil, err
	}
	out, err := os.OpenFile(said, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer out.Close()
	args := append(words, "--service="+d.Service.Name, "--lang="+d.Lang.Code(), "--confirm="+d.Service.Name)
	if d.All.Path != "" {
		path, err := filepath.Abs(d.All.Path)
		if err != nil {
			return 0, nil, err
		}
		args = append(args, "--config="+path)
	}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	exited = make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return cmd.Process.Pid, exited, nil
}

// launchError is what a process said that ended before it began.
func launchError(path string, err error) error {
	code := ops.Failed
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		code = ops.Code(exit.ExitCode())
	}
	text, _ := regular.ReadFile(path)
	said := string(text)
	if at := strings.LastIndex(said, typed.Name+": "); at >= 0 { // its last word; the plan may be above
		said = said[at+len(typed.Name)+2:]
	}
	said = termsafe.Line(strings.Join(strings.Fields(said), " "))
	if said == "" {
		said = err.Error()
	}
	return ops.E(code, lang.M("the deployment did not start: %s", lang.Raw(said)))
}

// Interrupt tells the process that deploys the service to stop. Nothing is rolled back.
func (d Launcher) Interrupt() error {
	who, held, err := lock.Look(d.Store().Lock(d.Service.Name))
	switch {
	case err != nil:
		return err
	case !held || who.PID <= 0:
		return ops.E(ops.Usage, lang.M("no deployment of %s is running", d.Service.Name))
	}
	if err := syscall.Kill(who.PID, syscall.SIGINT); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the deployment cannot be stopped: %s (pid %d)", err.Error(), who.PID))
	}
	return nil
}

// Busy tells whether a process works on a deployment of the service.
func (d Launcher) Busy() (bool, error) {
	_, held, err := lock.Look(d.Store().Lock(d.Service.Name))
	return held, err
}
