package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// TestFilesOfAnotherUserNameTheOwner: who runs opsdeck as another user is told as whom to run it,
// by every verb, and not to write another configuration.
func TestFilesOfAnotherUserNameTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("another user cannot be had without root")
	}
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create", "--kind", "manual")
	for at := s.dir; at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
		os.Chmod(at, 0o755) // of the test, not of the site
	}
	config := filepath.Join(s.dir, "config.yaml")
	bin := filepath.Join(s.dir, "opsdeck")
	text, err := os.ReadFile(s.bin)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, text, 0o755); err != nil {
		t.Fatal(err)
	}
	nobody := func(args ...string) (string, int) {
		cmd := exec.Command(bin, append([]string{"--config", config}, args...)...)
		cmd.Dir, cmd.Env = "/", append(os.Environ(), "HOME=/nonexistent")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if err := os.Chmod(config, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"backup create", "backup list", "restore status", "operations", "backup verify --all"} {
		out, code := nobody(strings.Fields(verb)...)
		if code == 0 || !strings.Contains(out, "belongs to root: run this as that user, with sudo -u root") {
			t.Errorf("%s: exit %d:\n%s", verb, code, out)
		}
	}
	if err := os.Chmod(config, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := nobody("status"); code != 78 || !strings.Contains(out, "sudo -u root") ||
		strings.Contains(out, "config init") {
		t.Errorf("a configuration that cannot be read: exit %d:\n%s", code, out)
	}
}

// TestARestoreSaysFirstThatItsStateFolderIsReadOnly, as it is after an error of the disk, and how to
// restore all the same.
func TestARestoreSaysFirstThatItsStateFolderIsReadOnly(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a file system cannot be mounted without root")
	}
	s := newSite(t, testdb.MariaDB(t))
	state := filepath.Join(s.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		t.Skipf("a file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(state, unix.MNT_DETACH) })
	s.must("backup", "create", "--kind", "manual")
	if err := unix.Mount("", state, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	o := s.run("restore", "--confirm", s.live)
	if o.code != 1 || o.out != "" || strings.Contains(o.err, "checking the backup") ||
		!strings.Contains(o.err, "a restore needs its state folder: the file system of "+state+" is read-only") ||
		!strings.Contains(o.err, "findmnt -T "+state) || !strings.Contains(o.err, "runbook restore --plain") {
		t.Errorf("exit %d:\n%s%s", o.code, o.out, o.err)
	}
	if o = s.run("backup", "create"); o.code != 1 || !strings.Contains(o.err, "is read-only") ||
		!strings.Contains(o.err, "→ find out why: findmnt -T "+state) {
		t.Errorf("backup create: exit %d:\n%s%s", o.code, o.out, o.err)
	}
	if o = s.run("runbook", "restore", "--plain"); o.code != 0 || !strings.Contains(o.out, "#!") {
		t.Errorf("the advice: exit %d:\n%s%s", o.code, o.out, o.err)
	}
	s.amend("state_dir: "+state, "state_dir: "+filepath.Join(s.dir, "other"))
	s.must("restore", "--confirm", s.live)
}
