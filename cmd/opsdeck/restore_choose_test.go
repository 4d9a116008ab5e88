package main

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestUndoAndDropWithoutAnIDTakeTheRunThatHasSomething restores, then loads a backup
// beside the database: that newest run has nothing to undo and nothing to drop.
func TestUndoAndDropWithoutAnIDTakeTheRunThatHasSomething(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	s.must("backup", "create")
	db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	first := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	side := s.live[:min(len(s.live), 50)] + "__side"
	s.must("restore", "--to", side, "--json", "--confirm", side)

	o := s.must("restore", "undo", "--confirm", s.live)
	tells(t, o.err, "restore "+first+" of "+s.live)
	sameDump(t, damaged, s.dump())
	o = s.must("restore", "drop-old", "--confirm", s.live)
	tells(t, o.err, "restore "+first+" of "+s.live, "dropped the database")
	o = s.run("restore", "drop-old", "--confirm", s.live)
	tells(t, o.err, "there is no restore of "+s.live+" for which this is possible: drop")
	// A newer restore whose old tables are gone is not skipped for an older one.
	second := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	third := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	s.must("restore", "drop-old", third, "--confirm", s.live)
	o = s.run("restore", "undo", "--confirm", s.live)
	tells(t, o.err, "the newest restore of "+s.live+", "+third+", cannot be undone: its old tables were dropped")
	s.must("restore", "drop-old", second, "--confirm", s.live)
}
