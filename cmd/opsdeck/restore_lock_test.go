package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// TestNothingElseChangesADatabaseThatIsRestored asks for deletions and for new
// tables while a restore waits in its middle, for its service and for another one
// that shares the database.
func TestNothingElseChangesADatabaseThatIsRestored(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.amend(`"SELECT COUNT(*) > 0 FROM customers"`, `"SELECT 0"`)
	s.must("restore", "--confirm", s.live, "--detach", "--answer-after", "10m")
	waitStage(t, s, "ask-verify")
	s.shareDatabase()
	files, _ := filepath.Glob(filepath.Join(s.dir, "backups", "*.sql.gz"))
	for _, args := range [][]string{
		{"audit", "archive", "--year", "2024", "--delete", "--confirm", s.live},
		{"audit", "restore-archive", files[0], "--as", "audit_logs_2024"},
		{"backup", "prune", "--confirm", s.live},
		{"backup", "remove", filepath.Base(files[0]), "--confirm", s.live},
		{"restore", "rescue", "--table", "customers", "--merge", "all", "--confirm", s.live},
		{"restore", "--confirm", s.live},
	} {
		for _, service := range []string{"shop", "twin"} {
			o := s.run(append(args, "--service", service)...)
			if o.code != 75 || !strings.Contains(o.err, s.live) {
				t.Errorf("%v for %s: exit %d\n%s", args, service, o.code, o.err)
			}
		}
	}
	s.must("restore", "abort", "--service", "shop", "--confirm", s.live)
}

// TestARestoreWaitsForWhatChangesItsDatabase holds the lock as a deletion does.
func TestARestoreWaitsForWhatChangesItsDatabase(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.must("restore", "--confirm", s.live) // its lock's name is that of the database
	store := restorerun.Store{Dir: filepath.Join(s.dir, "state")}
	r, err := store.Load("")
	if err != nil {
		t.Fatal(err)
	}
	held, err := lock.Take(store.TargetLock(r.Plan.Target), lock.Holder{User: "zhang", What: "audit archive"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	o := s.run("restore", "--confirm", s.live)
	if o.code != 75 || !strings.Contains(o.err, "zhang") || !strings.Contains(o.err, "audit archive") {
		t.Errorf("exit %d\n%s", o.code, o.err)
	}
}

// shareDatabase adds a second service, twin, with the database of the first.
func (s *realSite) shareDatabase() {
	s.t.Helper()
	path := filepath.Join(s.dir, "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "\n")
	service, tail, _ := strings.Cut(rest, "\nstate_dir:")
	twin := strings.Replace(service, "- name: shop", "- name: twin", 1)
	s.write("config.yaml", head+"\n"+service+"\n"+twin+"\nstate_dir:"+tail)
}
