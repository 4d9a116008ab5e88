package testdb

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed systemd.sh
var systemdScript string

// SystemdManager is a real systemd, process 1 of its own namespaces with a root
// of its own, in which the machine's /usr is all that is left of the machine.
type SystemdManager struct {
	Bin string // a folder for the PATH; its systemctl and journalctl speak to this systemd

	dir, group string
	shared     []string
	proc       *process
	pid        int // systemd's, as seen from here
}

// Systemd starts a systemd of the test's own, which sees the folders shared at
// the same place. It and every unit end with the test. It needs root.
func Systemd(t testing.TB, shared ...string) *SystemdManager {
	t.Helper()
	if os.Geteuid() != 0 {
		absent(t, fmt.Errorf("a systemd of the test's own needs root"))
	}
	for _, name := range []string{"systemctl", "unshare", "nsenter", "pivot_root", "setpriv"} {
		if _, err := program("", name); err != nil {
			absent(t, err)
		}
	}
	dir, err := newFolder("systemd")
	if err != nil {
		t.Fatal(err)
	}
	s := &SystemdManager{dir: dir, shared: shared, Bin: filepath.Join(dir, "bin")}
	t.Cleanup(s.remove)
	for _, sub := range []string{"root", "bin"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.start(); err != nil {
		absent(t, err)
	}
	return s
}

// enterGroup puts the shell into a control group of its own before the
// namespaces are made, for systemd wants to be the root of one.
const enterGroup = `if [ -n "$1" ]; then echo $$ >"$1/cgroup.procs"; fi; shift; exec "$@"`

func (s *SystemdManager) start() error {
	groups := "/sys/fs/cgroup/systemd" // where the machine has not the newer kind alone
	if !isDir(groups) {
		groups = "/sys/fs/cgroup"
	}
	s.group = filepath.Join(groups, filepath.Base(filepath.Dir(s.dir))+"-"+filepath.Base(s.dir))
	if err := os.Mkdir(s.group, 0o755); err != nil {
		return err
	}
	var err error
	args := []string{
		"-c",
		enterGroup,
		"sh",
		s.group,
		"unshare",
		"--pid",
		"--mount",
		"--uts",
		"--ipc",
		"--cgroup",
		"--net",
		"--fork",
		"--kill-child",
		"sh",
		"-c",
		systemdScript,
		"sh",
		filepath.Join(s.dir, "root"),
	}
	s.proc, err = launch(s.dir, nil, "sh", append(args, s.shared...)...)
	if err != nil {
		return err
	}
	return s.proc.ready(s.answers)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// answers finds systemd, which is the only child of unshare, and asks it.
func (s *SystemdManager) answers(ctx context.Context) error {
	var err error
	if s.pid, err = onlyChild(s.proc.cmd.Process.Pid, "systemd"); err != nil {
		return err
	}
	for _, name := range []string{"systemctl", "journalctl"} {
		script := fmt.Sprintf("#!/bin/sh\nexec nsenter -t %d -m -p -C %s \"$@\"\n", s.pid, name)
		if err := os.WriteFile(filepath.Join(s.Bin, name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(s.Bin, "systemctl"), "is-system-running").CombinedOutput()
	if got := string(bytes.TrimSpace(out)); got != "running" && got != "degraded" {
		return fmt.Errorf("systemd is %q: %v", got, err)
	}
	return nil
}

// Unit writes a unit's file and makes systemd read it.
func (s *SystemdManager) Unit(t testing.TB, name, text string) {
	t.Helper()
	cmd := exec.Command(
		"nsenter",
		"-t",
		strconv.Itoa(s.pid),
		"-m",
		"sh",
		"-c",
		`cat >"/run/systemd/system/$1"`,
		"sh",
		name,
	)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("unit %s: %v: %s", name, err, out)
	}
	s.Systemctl(t, "daemon-reload")
}

// Systemctl runs the real systemctl against this systemd.
func (s *SystemdManager) Systemctl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(s.Bin, "systemctl"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemctl %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Run runs a command inside, with nothing in its environment but a PATH, as a
// unit would have it. It returns what the command wrote, and its exit code.
func (s *SystemdManager) Run(t testing.TB, name string, args ...string) (out string, code int) {
	t.Helper()
	return enter(
		t,
		"",
		append(
			[]string{"-t", strconv.Itoa(s.pid), "-m", "-p", "-C", "-n", "env", "-i", "PATH=/usr/sbin:/usr/bin", name},
			args...),
	)
}

func (s *SystemdManager) remove() {
	if s.proc != nil {
		s.proc.kill()
	}
	for range 100 { // the last of its processes may still be ending
		if removeGroups(s.group); !isDir(s.group) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	os.RemoveAll(s.dir)
}

// removeGroups removes a control group and those below it, which the kernel
// allows only from the bottom up.
func removeGroups(group string) {
	entries, _ := os.ReadDir(group)
	for _, e := range entries {
		if e.IsDir() {
			removeGroups(filepath.Join(group, e.Name()))
		}
	}
	os.Remove(group)
}
