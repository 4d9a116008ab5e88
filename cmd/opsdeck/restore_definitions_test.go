package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestDefinitionsThatARestoreTakesBackAreTold: an index, a sequence that went on, the
// database's collation and an event that was switched off since the backup. Rows alone
// change no definition.
func TestDefinitionsThatARestoreTakesBackAreTold(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		maria := db.Flavour == "mariadb"
		if maria {
			db.Exec(t, s.live, "CREATE SEQUENCE sq")
		}
		db.Exec(t, s.live, "INSERT INTO customers (name) VALUES ('new')", "DELETE FROM customers WHERE name = 'new'")
		s.must("backup", "create")
		if o := s.must("restore", "lost"); !strings.Contains(o.out, "nothing will be lost") {
			t.Fatalf("nothing changed:\n%s", o.out)
		}
		db.Exec(t, s.live, "ALTER TABLE customers ADD UNIQUE INDEX uq (name), ALTER name SET DEFAULT 'q'",
			"ALTER EVENT nightly DISABLE", "ALTER DATABASE `"+s.live+"` COLLATE utf8mb4_bin")
		said := []string{"table definitions changed since the backup: customers"}
		if maria {
			db.Exec(t, s.live, "SELECT NEXTVAL(sq)")
			said = append(said, "the sequence sq is at 1001 now and at 1 in the backup")
		}
		if o := s.must("restore", "lost"); strings.Contains(o.out, "nothing will be lost") ||
			!strings.Contains(o.out, said[0]) {
			t.Errorf("lost:\n%s", o.out)
		}
		plan := s.must("restore", "--plan").out
		said = append(said, "the event nightly is disabled now; the restore enables it again",
			"the collation of the database changes from utf8mb4_bin to ")
		for _, text := range said {
			if !strings.Contains(plan, text) {
				t.Errorf("the plan does not say %q:\n%s", text, plan)
			}
		}
		if strings.Contains(plan, "changed since the backup: orders") {
			t.Errorf("an unchanged table is named:\n%s", plan)
		}
	})
}
