package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestARewindReadsRowsByTheDefinitionOfTheirTime undoes transactions of before an ALTER:
// exactly where the columns allow it, else it names the column and does nothing.
func TestARewindReadsRowsByTheDefinitionOfTheirTime(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		for _, c := range []struct{ create, insert, txn, since, want, refused string }{
			{"id INT PRIMARY KEY, a INT, b INT", "1,10,20", "DELETE FROM x", "MODIFY b INT AFTER id", "(1,20,10)", ""},
			{"id INT PRIMARY KEY, a INT", "1,10", "DELETE FROM x", "ADD c INT DEFAULT 5 FIRST", "(5,1,10)", ""},
			{"id INT PRIMARY KEY, a INT", "1,10", "UPDATE x SET a=11", "ADD c INT NOT NULL DEFAULT 5", "(1,10,5)", ""},
			{"id INT PRIMARY KEY, a INT", "1,10", "DELETE FROM x", "ADD INDEX (a), COMMENT 'y', ENGINE=InnoDB",
				"(1,10)", ""},
			{"id INT PRIMARY KEY, a INT", "1,10", "UPDATE x SET a=11", "RENAME COLUMN a TO z", "(1,10)", ""},
			{"id INT PRIMARY KEY, a INT, b INT", "1,10,20", "UPDATE x SET a=11", "RENAME COLUMN a TO b, RENAME COLUMN b TO a",
				"(1,10,20)", ""},
			{"id INT, a INT, b INT, PRIMARY KEY (id, a)", "1,10,20", "DELETE FROM x",
				"CHANGE a b INT, CHANGE b c INT AFTER id, ADD a INT DEFAULT 7", "(1,20,10,7)", ""},
			{"id INT PRIMARY KEY, a INT", "1,-5", "UPDATE x SET a=3", "MODIFY a BIGINT", "(1,-5)", ""},
			{"id INT PRIMARY KEY, a INT", "1,-5", "UPDATE x SET a=3", "MODIFY a INT UNSIGNED", "", "x.a was"},
			{"id INT PRIMARY KEY, a INT UNSIGNED", "1,4000000000", "UPDATE x SET a=3", "MODIFY a BIGINT",
				"(1,4000000000)", ""},
			{"id INT PRIMARY KEY, a DECIMAL(8,2)", "1,1.50", "DELETE FROM x", "MODIFY a DECIMAL(12,4)", "(1,1.5000)",
				""},
			{"id INT PRIMARY KEY, a DECIMAL(8,2)", "1,1.55", "DELETE FROM x", "MODIFY a DECIMAL(8,1)", "", "x.a was"},
			{"id INT PRIMARY KEY, e ENUM('x','y','z')", "1,'x'", "UPDATE x SET e='y'", "MODIFY e ENUM('z','y','x')",
				"(1,'x')", ""},
			{"id INT PRIMARY KEY, e ENUM('x','y','z')", "1,'x'", "UPDATE x SET e='y'", "MODIFY e ENUM('z','y')", "",
				"x.e was"},
			{"id INT PRIMARY KEY, v VARCHAR(9)", "1,'é甲'", "DELETE FROM x", "MODIFY v VARCHAR(40)", "(1,'é甲')", ""},
			{"id INT PRIMARY KEY, v VARCHAR(9)", "1,'abcdef'", "DELETE FROM x", "MODIFY v VARCHAR(5)", "", "x.v was"},
			{"id INT PRIMARY KEY, d DATETIME", "1,'2026-01-02 03:04:05'", "DELETE FROM x", "MODIFY d DATETIME(3)",
				"(1,'2026-01-02 03:04:05.000')", ""},
			{"id INT PRIMARY KEY, a INT, b INT", "1,10,20", "DELETE FROM x", "DROP a", "", "x.a was dropped"},
			{"id INT PRIMARY KEY, a INT NOT NULL", "1,2", "DELETE FROM x", "DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)",
				"", "primary key"},
		} {
			s.Exec(t, schema, "SET SESSION binlog_format=ROW", "SET NAMES utf8mb4", "DROP TABLE IF EXISTS x",
				"CREATE TABLE x ("+c.create+") CHARSET utf8mb4", "INSERT INTO x VALUES ("+c.insert+")", c.txn)
			id := newestChange(t, config, "x")
			s.Exec(t, schema, "SET SESSION sql_mode=''", "ALTER TABLE x "+c.since)
			if c.refused != "" {
				before := word(t, s, schema)
				_, errs := asked(t, config, 1, "restore", "rewind", "--txn", id, "--confirm", schema)
				named := strings.Contains(errs, c.refused) && strings.Contains(errs, c.since)
				if !named || word(t, s, schema) != before {
					t.Errorf("%s: %s\n%s", c.since, errs, word(t, s, schema))
				}
				continue
			}
			asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
			if got := word(t, s, schema); !strings.HasSuffix(got, "VALUES "+c.want+";") {
				t.Errorf("%s; %s: %s, not %s", c.txn, c.since, got, c.want)
			}
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE y (id INT PRIMARY KEY, a INT, b INT)",
			"ALTER TABLE y RENAME COLUMN a TO b, RENAME COLUMN b TO a", "INSERT INTO y (id, b, a) VALUES (1,10,20)",
			"UPDATE y SET a = 21")
		asked(t, config, 0, "restore", "rewind", "--txn", newestChange(t, config, "y"), "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "INSERT INTO `y` VALUES (1,10,20);") {
			t.Errorf("after two columns were swapped: %s", got)
		}
	})
}

// TestAnUndoOfARewindReadsItsRowsByTheirColumns: the table is altered between the two.
func TestAnUndoOfARewindReadsItsRowsByTheirColumns(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE x (id INT PRIMARY KEY, a INT, b INT)",
			"INSERT INTO x VALUES (1,10,20)", "UPDATE x SET a=11, b=21")
		id := newestChange(t, config, "x")
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		s.Exec(t, schema, "ALTER TABLE x MODIFY b INT AFTER id, ADD c INT DEFAULT 7")
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "(1,21,11,7)") {
			t.Error(got)
		}
	})
}

// TestARewindLosesNoRowWhoseKeyAnotherTook: a key is given up and taken again in one
// transaction, as REPLACE and renumbering do.
func TestARewindLosesNoRowWhoseKeyAnotherTook(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		for _, txn := range [][]string{
			{"REPLACE INTO x VALUES (2,3,'new')"},
			{"REPLACE INTO x VALUES (9,3,'new')"},
			{"INSERT INTO x VALUES (2,9,'new') ON DUPLICATE KEY UPDATE id=7"},
			{"DELETE FROM x WHERE id=1", "UPDATE x SET id=1 WHERE id=2"},
			{"DELETE FROM x WHERE id=1", "UPDATE x SET id=id-1 WHERE id>1 ORDER BY id"},
			{"DELETE FROM x WHERE id=3", "UPDATE x SET id=3 WHERE id=2", "DELETE FROM x WHERE id=3"},
			{"UPDATE x SET v='a' WHERE id=1", "UPDATE x SET id=100 WHERE id=1",
				"UPDATE x SET id=1, v='b' WHERE id=100"},
			{"UPDATE x SET id=100 WHERE id=1", "INSERT INTO x VALUES (1,9,'inserted')"},
			{"UPDATE x SET id=100 WHERE id=2", "INSERT INTO x VALUES (2,9,'other')", "DELETE FROM x WHERE id=100"},
		} {
			s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DROP TABLE IF EXISTS x",
				"CREATE TABLE x (id INT PRIMARY KEY, u INT, v VARCHAR(9), UNIQUE (u))",
				"INSERT INTO x VALUES (1,1,'one'),(2,2,'two'),(3,3,'three')")
			before := word(t, s, schema)
			s.Exec(t, schema, append(append([]string{"SET SESSION binlog_format=ROW", "BEGIN"}, txn...), "COMMIT")...)
			after := word(t, s, schema)
			id := newestChange(t, config, "x")
			asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
			if got := word(t, s, schema); got != before {
				t.Errorf("%v:\n%s\nnot\n%s", txn, got, before)
				continue
			}
			asked(t, config, 0, "restore", "undo", "--confirm", schema)
			if got := word(t, s, schema); got != after {
				t.Errorf("undo of %v:\n%s\nnot\n%s", txn, got, after)
			}
		}
	})
}
