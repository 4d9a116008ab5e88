package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// TestABackupFolderWithoutRoomForTheNextIsCritical: a share that is free says nothing of a backup
// that is larger. Status, doctor and the plan of a restore say the same, and how to go on.
func TestABackupFolderWithoutRoomForTheNextIsCritical(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	s := newSite(t, testdb.MariaDB(t))
	s.db.Exec(t, s.live, "CREATE TABLE noise (id INT PRIMARY KEY AUTO_INCREMENT, b BLOB)",
		"INSERT INTO noise (b) SELECT RANDOM_BYTES(1024) FROM seq_1_to_1000")
	dir := filepath.Join(s.dir, "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=10m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	s.must("backup", "create", "--kind", "manual")
	status := func(code int, says string) {
		t.Helper()
		if o := s.run("status", "--only", "disk-backup"); o.code != code || !strings.Contains(o.out, says) {
			t.Errorf("exit %d, not %d with %q:\n%s%s", o.code, code, says, o.out, o.err)
		}
	}
	status(0, " free (")
	leave := func(bytes int64) {
		t.Helper()
		os.Remove(filepath.Join(dir, "filler"))
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			t.Fatal(err)
		}
		size := int64(fs.Bavail)*fs.Bsize - bytes
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave(2200 << 10) // 22 %: more than the share, room for one of 1.2 MiB
	status(1, dir+" has space for one more backup only (")
	leave(1100 << 10)
	s.amend("health: {", "health: {disk_free: 0.02, ")
	status(2, dir+" has no space for the next backup, nor for the emergency backup before a restore (")
	if o := s.run("status", "--only", "disk-backup"); !strings.Contains(o.out, "Free space: opsdeck") ||
		!strings.Contains(o.out, "runbook disk-full") {
		t.Errorf("no next step:\n%s", o.out)
	}
	if o := s.run("doctor"); !strings.Contains(o.out, dir+" has no space for the next backup") {
		t.Errorf("doctor: %s", o.out)
	}
	leave(900 << 10)
	o := s.run("restore", "--confirm", s.live)
	if o.code == 0 || !strings.Contains(o.err+o.out, "no space for the emergency backup: "+dir+" has ") ||
		!strings.Contains(o.err+o.out, "runbook disk-full") {
		t.Errorf("restore: exit %d:\n%s%s", o.code, o.out, o.err)
	}
	if o := s.run("runbook", "disk-full"); o.code != 0 {
		t.Errorf("the advice: exit %d: %s", o.code, o.err)
	}
}
