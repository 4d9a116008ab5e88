package main

import (
	"fmt"
	"testing"

	"opsdeck/internal/testdb"
)

// TestABackupThatMayLackRoutinesSaysSo: a user without a right to see the routines of
// others makes a backup; list, status and plan say what may be missing, and whoever sees
// them must accept that a restore drops them. One with that right makes a backup of which
// nothing is said.
func TestABackupThatMayLackRoutinesSaysSo(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	user := "unseen_" + fmt.Sprint(db.Port)
	defer s.as(t, db, user, "SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `"+s.live+"`.*")()
	const said = "procedures and functions of other users were not visible"
	db.Exec(t, s.live, "CREATE PROCEDURE of_root() SELECT 1")
	s.must("backup", "create")
	tells(t, s.must("backup", "list").out, said)
	tells(t, s.run("restore", "--plan").out, said)
	tells(t, s.run("status", "--only", "backup").out, "may lack procedures and functions of other users")
	db.Exec(t, "", "GRANT SHOW_ROUTINE ON *.* TO "+user+"@'%'")
	const dropped = "the procedure of_root is not in the backup and would be dropped **blocks the restore**"
	tells(t, s.run("restore", "--plan").out, dropped)
	silent(t, s.run("restore", "--plan", "--accept-missing", "of_root").out, dropped)
	s.must("backup", "create")
	silent(t, s.run("status", "--only", "backup").out, "may lack procedures")
	silent(t, s.run("restore", "--plan").out, said)
}
