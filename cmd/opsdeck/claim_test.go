package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// TestTwoInstallationsKeepOutOfEachOthersWay: what changes a database is refused
// while an opsdeck with another state folder restores it, and its holder is named. A
// killed holder holds nothing.
func TestTwoInstallationsKeepOutOfEachOthersWay(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		other := s.elsewhere()
		hold, err := db.Open(t, s.live).Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Rollback()
		if _, err := hold.Exec("UPDATE customers SET name = 'open' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		s.must("restore", "--confirm", s.live, "--detach")
		waitStage(t, s, "ask-quiet")
		store := restorerun.Store{Dir: filepath.Join(s.dir, "state")}
		runs, _ := store.Runs()
		named := "restore " + runs[0]
		if db.Flavour == "mariadb" { // it shows no attributes of sessions as it comes
			named = "of root from "
		}
		for _, args := range [][]string{
			{"restore", "--confirm", s.live},
			{"restore", "rescue", "--table", "customers", "--merge", "missing", "--confirm", s.live},
			{"audit", "archive", "--year", "2020", "--delete", "--confirm", s.live},
		} {
			o := other.run(args...)
			if o.code != 75 || !strings.Contains(o.err, named) ||
				!strings.Contains(o.err, "holds the lock of "+s.live) {
				t.Errorf("%v: exit %d: %s", args, o.code, o.err)
			}
		}
		who, _, err := lock.Look(store.Folder(runs[0]).WorkerLock())
		if err != nil || who.PID == 0 {
			t.Fatalf("the worker: %+v, %v", who, err)
		}
		syscall.Kill(who.PID, syscall.SIGKILL)
		hold.Rollback()
		other.must("restore", "--confirm", s.live)
		if o := s.run("restore", "abort", runs[0], "--confirm", s.live); o.code != 0 {
			t.Errorf("the first one cannot go on: exit %d: %s", o.code, o.err)
		}
	})
}

// elsewhere is the same site looked after from another state folder.
func (s *realSite) elsewhere() *realSite {
	s.t.Helper()
	other := *s
	other.dir = s.t.TempDir()
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	other.write("config.yaml",
		strings.Replace(string(text), filepath.Join(s.dir, "state"), filepath.Join(other.dir, "state"), 1))
	return &other
}
