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
		s.write("config.yaml", strings.Replace(string(text), "SELECT COUNT(*) > 0 FROM customers", "SELECT "+s.live+".late()", 1))
		s.must("backup", "create")
		o := s.run("restore", "--confirm", s.live)
		if o.code != 1 || !strings.Contains(o.err, "was written to after its emergency backup") ||
			!strings.Contains(o.err, "the loaded data is kept") {
			t.Fatalf("exit %d: %s\n%s", o.code, o.out, o.err)
		}
		order := func(schema string) (n int) {
			t.Helper()
			if err := db.Open(t, "").QueryRow("SELECT COUNT(*) FROM `" + schema + "`.orders WHERE id = 700200").Scan(&n); err != nil {
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
