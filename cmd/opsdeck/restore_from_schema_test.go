package main

import (
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// A dump that says USE shop goes into a service of another name when it is asked for.
func TestADumpOfAnotherNameIsTakenWhenItIsNamed(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	s.write(
		"shop.sql",
		"CREATE DATABASE shop;\nUSE shop;\nCREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(9));\nINSERT "+
			"INTO shop.customers VALUES (1, 'shop.x');\n",
	)
	dump, to := filepath.Join(s.dir, "shop.sql"), s.live+"_to"
	if o := s.run("restore", "--from", dump, "--to", to, "--confirm", to); o.code == 0 {
		t.Fatalf("a dump of another database was taken unasked:\n%s", o.out)
	}
	db.Exec(t, "", "DROP DATABASE IF EXISTS `"+to+"`")
	s.must("restore", "--from", dump, "--from-schema", "shop", "--to", to, "--confirm", to)
	if got := string(db.Dump(t, "--compact", to)); !strings.Contains(got, "(1,'shop.x')") {
		t.Errorf("%s", got)
	}
	db.Exec(t, "", "DROP DATABASE IF EXISTS `"+to+"`")
}
