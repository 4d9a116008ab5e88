package main

import (
	"encoding/json"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// inStatements logs what follows in the statement format.
func inStatements(statements ...string) []string {
	return append([]string{"SET SESSION binlog_format=STATEMENT", "SET NAMES utf8mb4"}, statements...)
}

// salesOf300 adds 300 rows.
const salesOf300 = "INSERT INTO sales (v) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE " +
	"i < 300) SELECT i FROM n"

// TestAMomentDoesNotMakeAShrunkenBackupGood adds a moment to a backup of an emptied
// table: what the log certainly brings back counts, what it may bring back does not.
func TestAMomentDoesNotMakeAShrunkenBackupGood(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, inRows("CREATE TABLE sales (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", salesOf300)...)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("DELETE FROM sales WHERE id > 5")...)
		shrunk := s.backupMade(t)
		db.Exec(t, s.live, inStatements("INSERT INTO sales (v) VALUES (1), (2)")...)
		stops := func(want string) {
			t.Helper()
			o := s.run("restore", "--from", shrunk, "--until", "now", "--confirm", s.live)
			if o.code != 1 || !strings.Contains(o.err+o.out, want) ||
				!strings.Contains(o.err+o.out, "--accept-missing sales") {
				t.Fatalf("exit %d, want %q\n%s\n%s", o.code, want, o.out, o.err)
			}
		}
		stops("sales has 300 rows; how many remain after the replay is unknown")
		stops("at least 5 are certain")
		db.Exec(t, s.live, inRows("INSERT INTO sales (v) VALUES (3)")...)
		stops("at least 6 are certain")
		db.Exec(t, s.live, inRows(salesOf300)...) // now the log brings the rows
		good := s.dump()
		s.must("restore", "--from", shrunk, "--until", "now", "--json", "--confirm", s.live)
		sameDump(t, good, s.dump())
	})
}

// TestAReplayOfRowsAloneIsJudgedExactly: the log names each row, so the rows at the
// moment are known before it is replayed.
func TestAReplayOfRowsAloneIsJudgedExactly(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, inRows("CREATE TABLE sales (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", salesOf300)...)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("DELETE FROM sales WHERE id > 5")...)
		shrunk := s.backupMade(t)
		db.Exec(t, s.live, inRows("INSERT INTO sales (v) VALUES (1), (2)")...)
		o := s.run("restore", "--from", shrunk, "--until", "now", "--confirm", s.live)
		if o.code != 1 || !strings.Contains(o.err+o.out, "sales has 7 rows after the replay, and 300 before") {
			t.Fatalf("exit %d\n%s\n%s", o.code, o.out, o.err)
		}
		s.must("restore", "--from", shrunk, "--until", "now", "--json", "--confirm", s.live, "--accept-missing",
			"sales")
	})
}

// TestRowsThatAKeyRemovedUnloggedStopTheExchange: the log does not name the rows that a
// foreign key removed, so the replay counts 300 and leaves none.
func TestRowsThatAKeyRemovedUnloggedStopTheExchange(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, inRows("CREATE TABLE heads (id INT PRIMARY KEY)",
			"CREATE TABLE sales (id INT PRIMARY KEY AUTO_INCREMENT, v INT, head INT DEFAULT 1, "+
				"CONSTRAINT fk_head FOREIGN KEY (head) REFERENCES heads (id) ON DELETE CASCADE)",
			"INSERT INTO heads VALUES (1)", salesOf300)...)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("DELETE FROM heads", "INSERT INTO heads VALUES (1)", salesOf300)...)
		before := s.dump()
		o := s.run("restore", "--before", s.newestID(s.live+".sales"), "--json", "--confirm", s.live)
		if o.code == 0 || !strings.Contains(o.out, "sales has 0 rows after the replay, and 300 before") {
			t.Fatalf("exit %d\n%s\n%s", o.code, o.out, o.err)
		}
		sameDump(t, before, s.dump())
		if !s.running() {
			t.Fatal("the service is down")
		}
	})
}

// TestRowsThatAKeyRemovedThatIsGoneLaterAreNoDoubt: foreign keys removed rows that the log does
// not name; then the keys were dropped, one with its parent, and the tables renamed.
func TestRowsThatAKeyRemovedThatIsGoneLaterAreNoDoubt(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, inRows("CREATE TABLE heads (id INT PRIMARY KEY)",
			"CREATE TABLE parts (id INT PRIMARY KEY, head INT, CONSTRAINT fk_head FOREIGN KEY (head) REFERENCES heads (id) "+
				"ON DELETE CASCADE)",
			"CREATE TABLE pins (id INT PRIMARY KEY, part INT, CONSTRAINT fk_part FOREIGN KEY (part) REFERENCES parts (id) "+
				"ON DELETE CASCADE)",
			"INSERT INTO heads VALUES (1), (2)", "INSERT INTO parts VALUES (1, 1), (2, 1), (3, 2), (4, 2)",
			"INSERT INTO pins VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 4)")...)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("DELETE FROM heads WHERE id = 1", "ALTER TABLE parts DROP FOREIGN KEY fk_head",
			"DROP TABLE heads", "RENAME TABLE pins TO needles", "ALTER TABLE needles DROP FOREIGN KEY fk_part",
			"INSERT INTO parts VALUES (9, 9)", "INSERT INTO needles VALUES (9, 9)")...)
		before := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM parts", "DELETE FROM needles")...)
		s.must("restore", "--before", s.newestID(s.live+".parts"), "--confirm", s.live, "--accept-missing", "heads,pins")
		sameDump(t, before, s.dump())
	})
}

// TestHistoryIsCountedBeforeAndAfterAReplay: MariaDB's tables with system versioning, one that the
// log does not touch, one that it changes, and one that loses its history.
func TestHistoryIsCountedBeforeAndAfterAReplay(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		if db.Flavour != "mariadb" {
			t.Skip("only MariaDB keeps history")
		}
		s := newSite(t, db)
		for _, name := range []string{"still", "busy", "bared"} {
			db.Exec(t, s.live, "CREATE TABLE "+name+" (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
				"INSERT INTO "+name+" VALUES (1, 1), (2, 2)", "UPDATE "+name+" SET v = 9", "DELETE FROM "+name+" WHERE id = 2")
		}
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("UPDATE busy SET v = 10", "ALTER TABLE bared DROP SYSTEM VERSIONING",
			"INSERT INTO bared VALUES (3, 3)")...)
		before := s.dump()
		var history int
		count := "SELECT (SELECT COUNT(*) FROM still FOR SYSTEM_TIME ALL) * 100 + (SELECT COUNT(*) FROM busy FOR SYSTEM_TIME ALL)"
		if err := db.Open(t, s.live).QueryRow(count).Scan(&history); err != nil || history != 405 {
			t.Fatalf("%d rows with their history, %v", history, err)
		}
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		s.must("restore", "--before", s.newestID(s.live+".orders"), "--confirm", s.live)
		sameDump(t, before, s.dump())
		if err := db.Open(t, s.live).QueryRow(count).Scan(&history); err != nil || history != 405 {
			t.Fatalf("%d rows with their history after the restore, %v", history, err)
		}
	})
}

// TestRowsOfAMergeTableAreNotCounted: the log names the MERGE table, and the rows are in others.
func TestRowsOfAMergeTableAreNotCounted(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		one := "(id INT AUTO_INCREMENT PRIMARY KEY, v INT)"
		db.Exec(t, s.live, "CREATE TABLE one "+one+" ENGINE=MyISAM", "CREATE TABLE two LIKE one",
			"CREATE TABLE both_of "+one+" ENGINE=MERGE UNION=(one, two) INSERT_METHOD=LAST", "INSERT INTO one VALUES (1, 1)")
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO both_of (v) VALUES (2), (3)", "DELETE FROM both_of WHERE id = 1")...)
		db.Exec(t, s.live, inRows("DELETE FROM two")...)
		other := s.live[:min(len(s.live), 50)] + "_copy"
		t.Cleanup(func() { db.Exec(t, "", "DROP DATABASE IF EXISTS `"+other+"`") })
		s.must("restore", "--before", s.newestID(s.live+".two"), "--to", other, "--confirm", other)
		var inOne, inTwo int
		err := db.Open(t, other).QueryRow("SELECT (SELECT COUNT(*) FROM one), (SELECT COUNT(*) FROM two)").Scan(&inOne, &inTwo)
		if err != nil || inOne != 0 || inTwo != 2 {
			t.Fatalf("%d and %d rows, %v", inOne, inTwo, err)
		}
	})
}

// backupMade makes a backup and returns its name.
func (s *realSite) backupMade(t *testing.T) string {
	t.Helper()
	var made struct{ Name string }
	o := s.must("backup", "create", "--json")
	if err := json.Unmarshal([]byte(o.out), &made); err != nil || made.Name == "" {
		t.Fatalf("%v in %q", err, o.out)
	}
	return made.Name
}
