package main

import (
	"bytes"
	"os"
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
	kept, err := os.ReadFile(s.emergencies()[0])
	if err != nil {
		t.Fatal(err)
	}
	s.undoLacks(kept[:len(kept)-1], "another length")
	flipped := bytes.Clone(kept)
	flipped[len(flipped)-1] ^= 1
	s.undoLacks(flipped, "another hash")
	s.undoLacks(nil, "cannot be opened")
	if err := os.WriteFile(filepath.Join(s.dir, "backups", name), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if status := s.must("restore", "status").out; !strings.Contains(status, "possible now: undo") {
		t.Error(status)
	}
	s.must("restore", "undo", "--confirm", s.live)
	sameDump(t, before, s.dump())
	s.must("backup", "remove", name, "--confirm", s.live)
}

// undoLacks replaces the emergency backup (nil: removes it): status offers no undo, says why,
// and an undo stops nothing.
func (s *realSite) undoLacks(text []byte, why string) {
	s.t.Helper()
	path := s.emergencies()[0]
	err := os.WriteFile(path, text, 0o600)
	if text == nil {
		err = os.Remove(path)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if status := s.must("restore", "status").out; strings.Contains(status, "possible now") ||
		!strings.Contains(status, why) {
		s.t.Errorf("%s: %s", why, status)
	}
	if o := s.run("restore", "undo", "--confirm", s.live); o.code != 1 || !strings.Contains(o.err, why) ||
		!s.running() || strings.Contains(o.err, "2/7") {
		s.t.Errorf("%s: exit %d, %s", why, o.code, o.err)
	}
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
