package testdb

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testenv"
)

//go:embed cron.sh
var cronScript string

// CronDaemon is a real cron with a spool of its own.
type CronDaemon struct {
	dir     string
	preload string // what gives it another clock
	proc    *process
	pid     int // process 1 of its namespaces, as seen from here
}

// Cron makes a place for a cron of the test's own: crontab works there. It needs
// root.
func Cron(t testing.TB) *CronDaemon {
	t.Helper()
	if os.Geteuid() != 0 {
		absent(t, fmt.Errorf("a cron of the test's own needs root"))
	}
	for _, name := range []string{"cron", "crontab", "unshare", "nsenter"} {
		if _, err := program("", name); err != nil {
			absent(t, err)
		}
	}
	preload, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if len(preload) == 0 {
		absent(t, fmt.Errorf("libfaketime is not installed (.ci/install-real installs it)"))
	}
	dir, err := newFolder("cron")
	if err != nil {
		t.Fatal(err)
	}
	c := &CronDaemon{dir: dir, preload: preload[0]}
	t.Cleanup(func() {
		if c.proc != nil {
			c.proc.kill()
		}
		os.RemoveAll(dir)
	})
	if c.proc, err = launch(dir, nil, "unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "sh",
		"-c", cronScript); err == nil {
		err = c.proc.ready(func(context.Context) (err error) {
			c.pid, err = onlyChild(c.proc.cmd.Process.Pid, "sleep")
			return err
		})
	}
	if err != nil {
		absent(t, err)
	}
	return c
}

// Start starts cron. Its clock, and no other's, shows the given local time of
// today as it begins, and may go faster from there: "10:09:57", "10:09:30 x10".
func (c *CronDaemon) Start(t testing.TB, clock string) {
	t.Helper()
	at := "FAKETIME=@" + time.Now().Format("2006-01-02 ") + clock
	if out, code := c.Run(t, "", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_PRELOAD="+c.preload, at,
		"cron"); code != 0 {
		t.Fatalf("cron: %s", out)
	}
}

// onlyChild finds the child of a process that has become the named program.
func onlyChild(parent int, program string) (pid int, err error) {
	child, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return 0, err
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(child))); err != nil {
		return 0, errors.New("no process 1 yet")
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || strings.TrimSpace(string(name)) != program {
		return 0, fmt.Errorf("process 1 is %s", name)
	}
	return pid, nil
}

// Run runs a command there, with stdin. It returns what the command
// wrote, and its exit code.
func (c *CronDaemon) Run(t testing.TB, stdin, name string, args ...string) (out string, code int) {
	t.Helper()
	return enter(t, stdin, append([]string{"-t", strconv.Itoa(c.pid), "-m", "-p", name}, args...))
}

// enter runs nsenter.
func enter(t testing.TB, stdin string, args []string) (out string, code int) {
	t.Helper()
	cmd := exec.Command("nsenter", args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "OPSDECK_ROOT=", "PATH="+testenv.SystemPath()) // it is a machine of its own
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("nsenter %v: %v", args, err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(text), code
}
