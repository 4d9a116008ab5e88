package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
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
	o = s.run("restore", "undo", "--confirm", s.live)
	tells(t, o.err, "the newest restore of "+s.live+", "+first+", is already undone")
	o = s.run("restore", "drop-old", "--confirm", s.live)
	tells(t, o.err, "skipped: restore ", first, "in "+restore.SideSchema(s.live, "new", first)+" but not in "+s.live+
		": ar_invoices",
		"nothing was dropped", "restore drop-old "+first+" --accept-missing ar_invoices")
	o = s.must("restore", "drop-old", first, "--accept-missing", "ar_invoices", "--confirm", s.live)
	tells(t, o.err, "ar_invoices, customers, orders", "dropped the database")
	o = s.run("restore", "drop-old", "--confirm", s.live)
	tells(t, o.err, first+", is undone: it is not possible to drop the old tables now")
	// A newer restore whose old tables are gone is not skipped for an older one.
	second := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	third := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	s.must("restore", "drop-old", third, "--confirm", s.live)
	o = s.run("restore", "undo", "--confirm", s.live)
	tells(t, o.err, "the newest restore of "+s.live+", "+third+", cannot be undone: its old tables were dropped")
	tells(t, o.err, "if you mean an older one, name it: opsdeck ", "restore undo "+second)
	o = s.run("restore", "drop-old", "--confirm", s.live)
	tells(t, o.err, third+", is restored", "name it: opsdeck ", "restore drop-old "+second)
	s.must("restore", "undo", second, "--confirm", s.live)
	o = s.run("restore", "undo", "--confirm", s.live) // nothing older is undone by a second Enter
	tells(t, o.err, third+", cannot be undone: its old tables were dropped")
	if strings.Contains(o.err, "name it") {
		t.Errorf("no restore is left that can be undone:\n%s", o.err)
	}
}
