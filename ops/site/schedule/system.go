// Package schedule has a service's jobs run by themselves: it installs timers or
// lines of cron, finds the ones that are there, the old script's too, and runs what
// is due.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// program is the path of this program, for what starts it later.
func program() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "opsdeck"
}

// tool runs one of the system's programs, for no longer than wait, and returns what it
// printed. What it wrote on its error stream is in the error.
func tool(ctx context.Context, wait time.Duration, stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = fmt.Errorf("%s: %s", name, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

// userCrontab is the crontab of whoever runs this; "" where there is none, or no cron. One
// that cannot be read is an error: it may hold jobs, and is never written over.
func userCrontab(ctx context.Context) (string, error) {
	text, err := tool(ctx, toolLimit, "", "crontab", "-l")
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, exec.ErrNotFound), noCrontab(err.Error()):
		return "", nil
	}
	return "", ops.Wrap(err, ops.Failed, lang.M("the crontab cannot be read")).
		WithHint(lang.M("see why: %s", "crontab -l"))
}

// noCrontab tells whether that is how crontab says that the user has none: Vixie's cron,
// cronie and systemd-cron; BusyBox; and any of them where there is no folder of crontabs.
func noCrontab(said string) bool {
	return strings.Contains(said, "no crontab for") || strings.HasSuffix(said, "No such file or directory")
}

// hasSystemd tells whether systemd runs this machine.
func hasSystemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}
