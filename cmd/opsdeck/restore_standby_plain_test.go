package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// The plan of a restore without a moment names the standby and the command that uses it, and
// that command does; or it tells why no standby can be used. Without a standby it says nothing
// of one.
func TestAPlanWithoutAMomentNamesTheStandby(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		plain := func() string { return s.must("restore", "--plan").out }
		if out := plain(); !strings.Contains(out, "the standby is not used: it was not built yet") {
			t.Errorf("not built:\n%s", out)
		}
		db.Exec(t, s.live, inRows(dayAtTheShop[:6]...)...)
		s.forward()
		offered := regexp.MustCompile(`a standby is at .* restore (--until \S+)`).FindStringSubmatch(plain())
		if offered == nil {
			t.Fatalf("no standby is offered:\n%s", plain())
		}
		words := append([]string{"restore", "--plan"}, strings.Fields(offered[1])...)
		if out := s.must(words...).out; !strings.Contains(out, "standby at ") || strings.Contains(out, "not used") {
			t.Errorf("%v does not use the standby:\n%s", words, out)
		}
		if out := s.must("restore", "--plan", "--tables", "orders").out; !strings.Contains(out,
			"only some tables are restored") {
			t.Errorf("some tables:\n%s", out)
		}
		name := s.nextBackup() // newer than the standby
		if out := plain(); !strings.Contains(out, name) || !strings.Contains(out, "before this backup") {
			t.Errorf("a newer backup:\n%s", out)
		}
		db.Exec(t, "", "DROP DATABASE "+s.standing().Schema)
		if out := plain(); !strings.Contains(out, "the standby is not used: its position in the log is unknown") {
			t.Errorf("gone:\n%s", out)
		}
		s.amend("standby: true, ", "")
		s.writeRecord(filepath.Join(s.dir, "state", "standby", "shop", "standby.json"),
			`{"format_version": 1, "state": "off"}`)
		if out := plain(); strings.Contains(out, "the standby") || strings.Contains(out, "a standby") {
			t.Errorf("none is kept:\n%s", out)
		}
	})
}

// TestAStandbyThatOthersChangedIsNotUsed: a row or a column that somebody else changed in the
// standby does not come into the service's database. The next round builds a new standby.
func TestAStandbyThatOthersChangedIsNotUsed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		insert := "INSERT INTO customers (name) VALUES ('later')"
		db.Exec(t, s.live, inRows(insert)...)
		s.forward()
		first := s.standing().Schema
		db.Exec(t, s.live, inRows(insert)...)
		if did := s.forward(); did.Built || s.standing().Schema != first {
			t.Errorf("nobody else wrote to it, and it was built again: %+v", did)
		}
		db.Exec(t, first, inRows("UPDATE customers SET name = 'foreign' WHERE id = 1")...)
		if did := s.forward(); !did.Built || s.standing().Schema == first {
			t.Errorf("others wrote to it, and it was not built again: %+v", did)
		}
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		db.Exec(t, "", "ALTER TABLE "+s.standing().Schema+".customers ADD COLUMN foreign_one INT")
		o := s.must("restore", "--before", id, "--plan")
		tells(t, o.out, "the standby is not used: others changed it by a statement after ")
	})
}
