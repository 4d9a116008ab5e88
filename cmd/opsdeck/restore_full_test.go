package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// smallFolder puts the site's backups on a disk of their own, of 4 MB.
func (s *site) smallFolder(t *testing.T) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	dir = filepath.Join(s.dir, "backups")
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
		dir := s.smallFolder(t)
		s.must("backup", "create")
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()
		held := s.backups()
		filler := filepath.Join(dir, "filler")
		s.amend(`stop: "rm -f `, `stop: "dd if=/dev/zero of=`+filler+` bs=4096 2>/dev/null; rm -f `)
		for _, mode := range []string{"swap", "in-place"} {
			o := s.run("restore", "--confirm", s.live, "--mode", mode, "--json")
			last := o.lastLine(t)
			if o.code != 1 || last.Result != "aborted" || !strings.Contains(o.out, "is full") || !strings.Contains(o.out, "Nothing was changed in "+s.live) {
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
