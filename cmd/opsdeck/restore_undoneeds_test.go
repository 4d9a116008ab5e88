package main

import (
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestWhatAnUndoLoadsIsNotRemoved restores in place, makes more emergency backups than are
// kept, and prunes; then it removes by name what the undo needs.
func TestWhatAnUndoLoadsIsNotRemoved(t *testing.T) {
	t.Parallel()
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	s.must("backup", "create")
	db.Exec(t, s.live, "INSERT INTO customers (name) VALUES ('since the backup')")
	before := s.dump()
	s.must("restore", "--mode", "in-place", "--confirm", s.live)
	name := filepath.Base(s.emergencies()[0])
	for range 4 {
		s.must("backup", "create", "--kind", "emergency")
	}
	if o := s.must("backup", "prune", "--confirm", s.live); !strings.Contains(o.out, "needed to undo restore ") {
		t.Error(o.out)
	}
	o := s.run("backup", "remove", name, "--confirm", s.live)
	tells(t, o.err, "needed to undo restore ", "backup remove "+name+" --without-undo ")
	if o.code != 1 {
		t.Fatalf("exit %d", o.code)
	}
	s.must("restore", "undo", "--confirm", s.live)
	sameDump(t, before, s.dump())
	s.must("backup", "remove", name, "--confirm", s.live)
}

// emergencies are the paths of the emergency backups of the live database.
func (s *realSite) emergencies() []string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "backups", "emergency_backup_"+s.live+"_*.gz"))
	if err != nil || len(found) == 0 {
		s.t.Fatalf("no emergency backup: %v", err)
	}
	return found
}
