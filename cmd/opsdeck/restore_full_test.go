package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// smallFolder puts a folder of the site on a disk of its own, of 4 MB.
func (s *realSite) smallFolder(t *testing.T, name string) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	dir = filepath.Join(s.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// The disk of the backup folder fills up between the plan and the emergency
// backup: the restore stops there and says so, nothing was changed, no half file
// stays, and the service runs again.
func TestAFullBackupFolderStopsTheRestore(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		dir := s.smallFolder(t, "backups")
		s.must("backup", "create")
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()
		held := s.backups()
		filler := filepath.Join(dir, "filler")
		s.amend(`stop: "rm -f `, `stop: "dd if=/dev/zero of=`+filler+` bs=4096 2>/dev/null; rm -f `)
		for _, mode := range []string{"swap", "in-place"} {
			o := s.run("restore", "--confirm", s.live, "--mode", mode, "--json")
			last := o.lastLine(t)
			if o.code != 1 || last.Result != "aborted" || !strings.Contains(o.out, "is full") ||
				!strings.Contains(o.out, "Nothing was changed in "+s.live) {
				t.Fatalf("%s: exit %d, %+v\n%s", mode, o.code, last, o.out)
			}
			os.Remove(filler)
			sameDump(t, damaged, s.dump())
			if got := s.backups(); strings.Join(got, " ") != strings.Join(held, " ") {
				t.Errorf("%s: the folder holds %v, it held %v", mode, got, held)
			}
			if !s.running() || len(s.sides()) > 0 {
				t.Fatalf("%s: running %v, schemas %v", mode, s.running(), s.sides())
			}
		}
		o := s.must("restore", "--confirm", s.live, "--without-backup", s.live, "--json") // typed: it goes on without
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("%+v\n%s", last, o.out)
		}
		if report := s.must("restore", "report").out; !strings.Contains(report, "There is no emergency backup") {
			t.Errorf("the report says nothing of it:\n%s", report)
		}
	})
}

// The state folder is full while a restore asks: an answer cannot be left for the
// worker, which lives and waits. That is what is said, and not that it is gone; the
// answer gets there once there is room.
func TestAFullStateFolderIsNotADeadWorker(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	dir := s.smallFolder(t, "state")
	s.must("backup", "create")
	s.amend(`"SELECT COUNT(*) > 0 FROM customers"`, `"SELECT 0"`)
	s.must("restore", "--confirm", s.live, "--detach", "--answer-after", "10m")
	waitStage(t, s, "ask-verify")
	filler := filepath.Join(dir, "filler")
	if err := exec.Command("dd", "if=/dev/zero", "of="+filler, "bs=4096").Run(); err == nil {
		t.Fatal("the disk is not full")
	}
	said, err := os.Create(filepath.Join(s.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := s.command("restore", "attach")
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	words := func() string {
		text, _ := os.ReadFile(said.Name())
		return string(text)
	}
	until(
		t,
		"the word of a full disk",
		func() bool { return strings.Contains(words(), "cannot be handed to the waiting worker") },
	)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || strings.Contains(words(), "has exited") {
		t.Errorf("%v\n%s", err, words())
	}
	if r := waitStage(t, s, "aborted").Restores[0]; r.Running || !s.running() {
		t.Errorf("%+v, the service runs: %v", r, s.running())
	}
}
