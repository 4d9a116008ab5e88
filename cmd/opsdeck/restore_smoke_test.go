package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestARestoreOfSomeTablesIsNotHeldUpByASmokeTestOfOthers: the smoke test asks for
// customers, and ar_invoices alone is restored; restored whole, it counts.
func TestARestoreOfSomeTablesIsNotHeldUpByASmokeTestOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	good := s.dump()
	s.db.Exec(t, s.live, "DELETE FROM ar_invoices")
	o := s.must("restore", "--tables", "ar_invoices", "--confirm", s.live)
	if !strings.Contains(o.out+o.err, "was not run: it needs tables that are not restored") {
		t.Errorf("nothing is said of the smoke test:\n%s\n%s", o.out, o.err)
	}
	sameDump(t, good, s.dump())
}
