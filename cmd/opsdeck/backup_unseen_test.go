package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestABackupThatMayLackRoutinesSaysSo: a user without a right to see the routines of
// others makes a backup; list, status and plan say what may be missing. One with that
// right makes a backup of which nothing is said.
func TestABackupThatMayLackRoutinesSaysSo(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	user := "unseen_" + fmt.Sprint(db.Port)
	db.Exec(t, "", "CREATE USER "+user+"@'%' IDENTIFIED BY 'x'",
		"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `"+s.live+"`.* TO "+user+"@'%'")
	t.Cleanup(func() { db.Exec(t, "", "DROP USER "+user+"@'%'") })
	options := filepath.Join(s.dir, "limited.cnf")
	if err := os.WriteFile(options, []byte("[client]\nuser="+user+"\npassword=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("config.yaml", strings.Replace(string(text), s.options, options, 1))
	const said = "procedures and functions of other users were not visible"
	s.must("backup", "create")
	tells(t, s.must("backup", "list").out, said)
	tells(t, s.run("restore", "--plan").out, said)
	tells(t, s.run("status", "--only", "backup").out, "may lack procedures and functions of other users")
	db.Exec(t, "", "GRANT SHOW_ROUTINE ON *.* TO "+user+"@'%'")
	s.must("backup", "create")
	silent(t, s.run("status", "--only", "backup").out, "may lack procedures")
	silent(t, s.run("restore", "--plan").out, said)
}
