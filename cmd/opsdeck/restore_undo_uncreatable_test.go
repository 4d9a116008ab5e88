package main

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestAnUndoInPlaceLeavesOutWhatLacksItsGround: what a view calls has gone since the emergency
// backup was made. The undo loads everything else, and names the view.
func TestAnUndoInPlaceLeavesOutWhatLacksItsGround(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		other := db.Schema(t)
		s.must("backup", "create")
		db.Exec(t, s.live, "UPDATE customers SET name = 'since the backup'")
		before := s.dump()
		db.Exec(t, other, "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 7")
		db.Exec(t, s.live, "CREATE VIEW needs AS SELECT `"+other+"`.f() AS seven")
		s.must("restore", "--mode", "in-place", "--confirm", s.live)
		db.Exec(t, other, "DROP FUNCTION f")
		o := s.must("restore", "undo", "--confirm", s.live)
		tells(t, o.err, "left out, the server cannot create it now: view needs: ", ".f does not exist", s.emergencies()[0])
		sameDump(t, before, s.dump())
		if !s.running() {
			t.Error("the service is down")
		}
	})
}

// TestAnUndoInPlaceThatCannotMakeATableDropsNothing: the tablespace of a table has gone. The undo
// is refused before it changes anything, and the service runs on.
func TestAnUndoInPlaceThatCannotMakeATableDropsNothing(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	space := "space_" + s.live
	s.must("backup", "create")
	db.Exec(t, s.live, "CREATE TABLESPACE `"+space+"` ADD DATAFILE '"+space+".ibd'",
		"CREATE TABLE apart (id INT PRIMARY KEY) TABLESPACE `"+space+"`")
	s.must("restore", "--mode", "in-place", "--confirm", s.live, "--accept-missing", "apart")
	restored := s.dump()
	db.Exec(t, s.live, "DROP TABLESPACE `"+space+"`")
	o := s.run("restore", "undo", "--confirm", s.live)
	tells(t, o.err, "the server cannot create the table apart of the emergency backup", "nothing was dropped")
	if o.code != 1 {
		t.Errorf("exit %d", o.code)
	}
	sameDump(t, restored, s.dump())
	if !s.running() {
		t.Error("the service is down", o.err)
	}
	db.Exec(t, s.live, "CREATE TABLESPACE `"+space+"` ADD DATAFILE '"+space+".ibd'")
	s.must("restore", "undo", "--confirm", s.live)
	db.Exec(t, s.live, "SELECT * FROM apart", "DROP TABLE apart", "DROP TABLESPACE `"+space+"`")
}
