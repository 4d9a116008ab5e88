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
					"CREATE TRIGGER `"+strings.Repeat(letter, n-1)+"t` BEFORE INSERT ON `"+long+"` FOR EACH ROW SET NEW.id = NEW.id",
					"CREATE PROCEDURE `"+long+"`() SELECT 1",
				)
				s.wholeWay([]string{"UPDATE `" + long + "` SET `" + long + "` = 7"})
				db.Exec(t, s.live, "DELETE FROM `"+long+"` WHERE id = 1")
				s.must("restore", "rescue", "--table", long, "--merge", "missing", "--confirm", s.live)
			})
		}
	})
}

// wholeWay makes a backup, proves it, loses something, restores it, and undoes that.
func (s *site) wholeWay(loss []string, flags ...string) {
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
	s.must("restore", "drop-old", "--confirm", s.live)
}
