package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// TestARestoreTellsThatTheServersDiskIsFull: the disk of the server's binlog fills up while
// the backup is loaded. The server says nothing and waits. The restore says what it waits for,
// Status is critical, other commands refuse at once, and an abort ends: nothing was changed,
// and what could not be removed is named.
func TestARestoreTellsThatTheServersDiskIsFull(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			dir := logDisk(t)
			db := testdb.Private(t, flavour, "--log-bin="+filepath.Join(dir, "binlog"), "--binlog-format=ROW")
			s := newSite(t, db)
			db.Exec(t, s.live, "CREATE TABLE noise (id INT PRIMARY KEY AUTO_INCREMENT, t LONGBLOB)",
				"INSERT INTO noise (t) VALUES (REPEAT('x', 900000)), (REPEAT('y', 900000))")
			s.must("backup", "create")
			filler := filepath.Join(dir, "filler")
			revive := sync.OnceFunc(func() { // it would wait for space at its end too
				os.Remove(filler)
				db.Kill()
				db.Start(t)
			})
			t.Cleanup(revive)
			s.amend(`stop: "rm -f `, `stop: "dd if=/dev/zero of=`+filler+` bs=64k 2>/dev/null; truncate -s -400K `+
				filler+`; rm -f `)
			loading, err := os.Create(filepath.Join(s.dir, "said"))
			if err != nil {
				t.Fatal(err)
			}
			defer loading.Close()
			cmd := s.command("restore", "--confirm", s.live)
			cmd.Stderr = loading
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			const says, sooner = "accepts no writes: the disk of ", "cannot write its binlog: the disk of "
			until(t, "the word of a full disk", func() bool { // it may be seen before a statement has waited long
				text, _ := os.ReadFile(loading.Name())
				return strings.Contains(string(text), says) || strings.Contains(string(text), sooner)
			})
			until(t, "a statement that waits", func() bool { return strings.Contains(s.run("status").out, "MySQL "+says) })
			if o := s.run("status"); o.code != 2 || !strings.Contains(o.out, "MySQL "+says) ||
				!strings.Contains(o.out, "● ") {
				t.Errorf("status: exit %d: %s%s", o.code, o.out, o.err)
			}
			for _, c := range [][]string{{"backup", "create", "--kind", "manual"}, {"backup", "binlog", "fetch"}} {
				if o := s.run(c...); o.code == 0 ||
					!strings.Contains(o.err, says) && !strings.Contains(o.err, "restore") {
					t.Errorf("%s: exit %d: %s", c, o.code, o.err)
				}
			}
			o := s.run("restore", "abort", "--confirm", s.live)
			if !strings.Contains(o.err, s.live+" was not changed") {
				t.Errorf("abort: exit %d: %s%s", o.code, o.out, o.err)
			}
			cmd.Wait()
			r := waitStage(t, s, "aborted").Restores[0]
			if r.Running || !s.running() {
				t.Errorf("%+v, the service runs: %v", r, s.running())
			}
			if o := s.run("restore", "status"); !strings.Contains(o.out, "could not be removed. Remove it: opsdeck") {
				t.Errorf("status says nothing of what is left: %s", o.out)
			}
			if o := s.run("restore", "--plan"); o.code != 1 || !strings.Contains(o.err, says) {
				t.Errorf("a plan: exit %d: %s", o.code, o.err)
			}
			revive()
			s.must("restore", "drop-old", "--confirm", s.live)
			if left := s.sides(); len(left) > 0 {
				t.Errorf("still there: %v", left)
			}
		})
	}
}

// logDisk is a small disk for a server's binlog, which the server's user may write.
func logDisk(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m,mode=0777"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	for at := filepath.Dir(dir); at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
		os.Chmod(at, 0o755)
	}
	return dir
}
