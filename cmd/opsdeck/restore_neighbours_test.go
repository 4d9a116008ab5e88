package main

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestForeignKeysBetweenDatabases: a key into another database is restored as it was, and the
// backup says that the other one is not in it. After an in-place restore, rows of another
// database that lost their parents are counted.
func TestForeignKeysBetweenDatabases(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		other := db.Schema(t)
		db.Exec(t, other, "CREATE TABLE notes (id INT PRIMARY KEY)", "INSERT INTO notes VALUES (1), (2)")
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE TABLE ref (id INT PRIMARY KEY, nid INT, CONSTRAINT across FOREIGN KEY (nid) REFERENCES "+
			other+".notes (id))", "INSERT INTO ref VALUES (1, 1)")
		good := s.dump()
		tells(t, s.must("backup", "create").err, "not in this backup: ref → "+other+".notes")
		s.must("backup", "verify", "--deep")
		s.must("backup", "drill")
		tells(t, s.must("restore", "--plan").out, "which are not restored: ref → "+other+".notes")
		for _, mode := range []string{"swap", "in-place"} {
			db.Exec(t, s.live, "UPDATE ref SET nid = 2")
			o := s.must("restore", "--mode", mode, "--confirm", s.live)
			silent(t, o.out+o.err, "without a matching row")
			sameDump(t, good, s.dump())
		}
		db.Exec(t, s.live, "INSERT INTO customers VALUES (9, 'since')")
		db.Exec(t, other, "CREATE TABLE visits (id INT PRIMARY KEY, c INT, CONSTRAINT back FOREIGN KEY (c) REFERENCES "+
			s.live+".customers (id))", "INSERT INTO visits VALUES (1, 1), (2, 9)")
		if o := s.run("restore", "--mode", "swap", "--confirm", s.live); o.code == 0 {
			t.Errorf("a swap under the keys of another database:\n%s%s", o.out, o.err)
		} else {
			tells(t, o.out+o.err, "tables of other databases have foreign keys into this one")
		}
		o := s.must("restore", "--mode", "in-place", "--confirm", s.live)
		tells(t, o.out+o.err, other+".visits has 1 row without a matching row in "+s.live+".customers")
		db.Exec(t, other, "DROP TABLE visits")
		db.Exec(t, s.live, "DROP TABLE ref")
	})
}
