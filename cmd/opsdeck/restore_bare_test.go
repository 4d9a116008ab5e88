package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestBareDatabasesAreRestored takes databases without tables, or without rows that
// a dump could carry, through the whole way: a backup, a look at it, a drill, the
// loss, the restore, the undo.
func TestBareDatabasesAreRestored(t *testing.T) {
	worlds := map[string]struct{ has, loss []string }{
		"empty": {nil, []string{"CREATE TABLE made_later (id INT PRIMARY KEY)"}},
		"no_tables": {
			[]string{
				"CREATE VIEW one AS SELECT 1 AS n",
				"CREATE PROCEDURE p() SELECT 1",
				"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
				"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DO 0",
			},
			[]string{"DROP VIEW one", "DROP PROCEDURE p", "DROP EVENT e"},
		},
		"no_rows": {
			[]string{
				"CREATE TABLE g (a INT AS (1 + 1) STORED)",
				"INSERT INTO g () VALUES (), ()",
				"CREATE TABLE t (id INT PRIMARY KEY)",
				"CREATE TABLE u (id INT)",
			},
			[]string{"DROP TABLE t", "INSERT INTO u VALUES (1)", "DELETE FROM g LIMIT 1"},
		},
	}
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for name, world := range worlds {
			t.Run(name, func(t *testing.T) {
				s := emptySite(t, db, db.Schema(t))
				s.amend("key_tables: [customers, orders], smoke_test: [\"SELECT COUNT(*) > 0 FROM customers\"], ", "")
				db.Exec(t, s.live, world.has...)
				s.wholeWay(world.loss, "--accept-missing", "made_later")
				if name == "no_tables" {
					tells(t, s.run("status", "--only", "schema").out, "0 tables; the newest good backup has none")
				}
			})
		}
	})
}

// TestTheLongestNamesFit does the same with the longest names, which leave no room
// for what a name of ours adds: 64 characters, and 48 where each is five bytes of a
// file's name.
func TestTheLongestNamesFit(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for letter, n := range map[string]int{"x": 64, "库": 48} {
			t.Run(letter, func(t *testing.T) {
				long := strings.Repeat(letter, n)
				db.Exec(t, "", "CREATE DATABASE `"+long+"`")
				t.Cleanup(func() { db.Exec(t, "", "DROP DATABASE `"+long+"`") })
				s := emptySite(t, db, long)
				s.amend("key_tables: [customers, orders], smoke_test: [\"SELECT COUNT(*) > 0 FROM customers\"], ", "")
				db.Exec(t, s.live,
					"CREATE TABLE `"+long+"` (id INT PRIMARY KEY, `"+long+"` INT, KEY `"+long+"` (`"+long+"`))",
					"INSERT INTO `"+long+"` VALUES (1, 1), (2, 2)",
					"CREATE TRIGGER `"+strings.Repeat(letter, n-1)+"t` BEFORE INSERT ON `"+long+
						"` FOR EACH ROW SET NEW.id = NEW.id",
					"CREATE PROCEDURE `"+long+"`() SELECT 1",
				)
				s.wholeWay([]string{"UPDATE `" + long + "` SET `" + long + "` = 7"})
				db.Exec(t, s.live, "DELETE FROM `"+long+"` WHERE id = 1")
				s.must("restore", "rescue", "--table", long, "--merge", "missing", "--confirm", s.live)
			})
		}
	})
}

// TestAViewBrokenByTheAccidentHoldsUpNoUndo drops a table below a view: the view
// cannot be made again on the way back, and everything else can.
func TestAViewBrokenByTheAccidentHoldsUpNoUndo(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE VIEW totals AS SELECT SUM(total) AS t FROM ar_invoices",
			"CREATE VIEW above AS SELECT t FROM totals")
		good := s.dump()
		s.must("backup", "create")
		db.Exec(t, s.live, "DROP TABLE ar_invoices")
		s.must("restore", "--confirm", s.live)
		sameDump(t, good, s.dump())
		o := s.must("restore", "undo", "--confirm", s.live)
		for _, view := range []string{"totals", "above"} {
			if !strings.Contains(o.out+o.err, "the view "+view+" was broken before") {
				t.Errorf("nothing is said of %s:\n%s", view, o.out+o.err)
			}
		}
		var names, n int
		if err := s.db.Open(t, s.live).QueryRow("SELECT COUNT(*) FROM order_names").Scan(&names); err != nil {
			t.Error(err)
		}
		err := s.db.Open(t, "").QueryRow(
			"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'ar_invoices'",
			s.live,
		).Scan(&n)
		if err != nil || n != 0 {
			t.Errorf("the former state is not back: %d %v", n, err)
		}
	})
}

// TestSequencesAndVersionsSurviveTheExchange: a default keeps the name of the schema
// that its sequence is in, and a versioned table may hold former versions alone.
func TestSequencesAndVersionsSurviveTheExchange(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	db.Exec(
		t,
		s.live,
		"CREATE SEQUENCE numbers START 5 INCREMENT 3",
		"CREATE SEQUENCE others",
		"CREATE TABLE numbered (id INT DEFAULT NEXTVAL(numbers), no INT DEFAULT NEXTVAL(others), v INT)",
		"CREATE TABLE shared (id INT DEFAULT NEXTVAL(numbers), v INT DEFAULT 7)",
		"CREATE VIEW numbered_ids AS SELECT id, no FROM numbered",
		"INSERT INTO numbered (v) VALUES (1), (2)",
		"CREATE TABLE versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
		"INSERT INTO versioned VALUES (1, 1)",
		"DELETE FROM versioned",
	)
	good := s.dump()
	s.must("backup", "create")
	db.Exec(t, s.live, "UPDATE customers SET name = 'damaged'")
	o := s.must("restore", "--confirm", s.live)
	for _, wrong := range []string{"fewer rows", "numbers"} {
		if strings.Contains(o.out+o.err, wrong) {
			t.Errorf("%q is said of a faithful copy:\n%s", wrong, o.out+o.err)
		}
	}
	sameDump(t, good, s.dump())
	s.must("restore", "drop-old", "--confirm", s.live)
	db.Exec(t, s.live, "INSERT INTO numbered (v) VALUES (3)")
	if o := s.run("status", "--only", "schema"); strings.Contains(o.out, "emptied") {
		t.Errorf("a table of former versions: %s", o.out)
	}
}

// wholeWay makes a backup, proves it, loses something, restores it, and undoes that.
func (s *realSite) wholeWay(loss []string, flags ...string) {
	s.t.Helper()
	good := s.dump()
	s.must("backup", "create")
	s.must("backup", "verify", "--all", "--deep")
	s.must("backup", "drill")
	s.db.Exec(s.t, s.live, loss...)
	damaged := s.dump()
	s.must(append([]string{"restore", "--confirm", s.live}, flags...)...)
	sameDump(s.t, good, s.dump())
	if !s.running() {
		s.t.Fatal("the service is down")
	}
	s.must("restore", "undo", "--confirm", s.live)
	sameDump(s.t, damaged, s.dump())
	s.must("restore", "drop-old", "--accept-missing", "t", "--confirm", s.live)
}
