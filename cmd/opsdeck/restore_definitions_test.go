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
		said = append(said, "the event nightly is disabled now and stays disabled",
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

// TestADisabledEventStaysDisabled: what somebody has switched off since the backup, a restore
// does not start again, in either mode; an undo leaves it as it was. An event that is enabled
// comes back enabled.
func TestADisabledEventStaysDisabled(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE EVENT hourly ON SCHEDULE EVERY 1 HOUR DO SET @a = 1",
			"CREATE EVENT copied ON SCHEDULE EVERY 1 HOUR DISABLE ON SLAVE DO SET @a = 1")
		s.must("backup", "create")
		db.Exec(t, s.live, "ALTER EVENT nightly DISABLE")
		want := "copied SLAVESIDE_DISABLED, hourly ENABLED, nightly DISABLED"
		if db.Flavour == "mysql" {
			want = strings.ReplaceAll(want, "SLAVESIDE", "REPLICA_SIDE")
		}
		for _, do := range [][]string{
			{"restore", "--confirm", s.live}, {"restore", "undo", "--confirm", s.live},
			{"restore", "--mode", "in-place", "--confirm", s.live},
		} {
			if do[1] == "undo" {
				silent(t, s.must("restore", "undo", "--dry-run").err, "deleted since the restore")
				db.Exec(t, s.live, "DELETE FROM orders WHERE id = 2")
				tells(t, s.must("restore", "undo", "--dry-run").err,
					"deleted since the restore; the undo can bring them back: orders")
			}
			o := s.must(do...)
			if said := "rows deleted since the restore, which the undo can bring back: 1"; do[1] == "undo" {
				tells(t, o.out+o.err, said)
			}
			if is := s.events(); is != want {
				t.Errorf("after %v: %s, want %s", do, is, want)
			}
		}
		db.Exec(t, s.live, "ALTER EVENT nightly ENABLE")
		s.must("restore", "--confirm", s.live)
		if is := s.events(); is != strings.Replace(want, "nightly DISABLED", "nightly ENABLED", 1) {
			t.Errorf("an enabled event came back otherwise: %s", is)
		}
	})
}

// events are the events of the live database, with the status of each.
func (s *realSite) events() (text string) {
	s.t.Helper()
	err := s.db.Open(s.t, "").QueryRow("SELECT GROUP_CONCAT(EVENT_NAME, ' ', STATUS ORDER BY EVENT_NAME SEPARATOR ', ') "+
		"FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?", s.live).Scan(&text)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}
