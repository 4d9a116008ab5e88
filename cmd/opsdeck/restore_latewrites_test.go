package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestOrdersBetweenTheEmergencyBackupAndTheSwapAreKept writes an order during the verification,
// by a function that the smoke test calls: the run stops before the swap with its load kept,
// and resume backs the order up.
func TestOrdersBetweenTheEmergencyBackupAndTheSwapAreKept(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE FUNCTION late() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN IF (SELECT COUNT(*) "+
			"FROM orders WHERE id = 700200) = 0 THEN INSERT INTO orders (id, customer_id, amount) SELECT 700200, MIN(id), 1 "+
			"FROM customers; END IF; RETURN 1; END")
		config := filepath.Join(s.dir, "config.yaml")
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		s.write("config.yaml", strings.Replace(string(text), "SELECT COUNT(*) > 0 FROM customers",
			"SELECT "+s.live+".late()", 1))
		s.must("backup", "create")
		o := s.run("restore", "--confirm", s.live)
		if o.code != 1 || !strings.Contains(o.err, "was written to after its emergency backup") ||
			!strings.Contains(o.err, "the loaded data is kept") {
			t.Fatalf("exit %d: %s\n%s", o.code, o.out, o.err)
		}
		order := func(schema string) (n int) {
			t.Helper()
			if err := db.Open(t, "").QueryRow("SELECT COUNT(*) FROM `" + schema +
				"`.orders WHERE id = 700200").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if order(s.live) != 1 || !s.running() {
			t.Fatal("the live database lacks the order, or the service is down")
		}
		s.must("restore", "resume")
		if order(s.live) != 0 {
			t.Error("the backup was not restored")
		}
		o = s.must("restore", "undo", "--confirm", s.live)
		if order(s.live) != 1 {
			t.Errorf("the order is lost: %s", o.err)
		}
	})
}

// TestWritesThatNothingCountsAreExported: without a binlog nothing counts the writes to an Aria
// table. What came after the emergency backup is found in the old tables, and exported; a
// restore without such a write says nothing of one.
func TestWritesThatNothingCountsAreExported(t *testing.T) {
	t.Parallel()
	db := testdb.Private(t, "mariadb", "--skip-log-bin")
	s := newSite(t, db)
	db.Exec(t, s.live, "CREATE TABLE tickets (id INT PRIMARY KEY) ENGINE=Aria", "INSERT INTO tickets VALUES (1)",
		"CREATE FUNCTION late() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT IGNORE INTO tickets VALUES (77); "+
			"RETURN 1; END")
	s.must("backup", "create")
	const said = "tables were written to after the emergency backup"
	if o := s.must("restore", "--confirm", s.live); strings.Contains(o.err, said) {
		t.Errorf("nobody wrote: %s", o.err)
	}
	s.amend("SELECT COUNT(*) > 0 FROM customers", "SELECT "+s.live+".late()")
	o := s.must("restore", "--confirm", s.live)
	tells(t, o.err, said)
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "restores", "*", "later-writes", "tickets.sql"))
	if err != nil || len(files) != 1 {
		t.Fatalf("exported: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "VALUES (77)") {
		t.Errorf("%v\n%s", err, text)
	}
}
