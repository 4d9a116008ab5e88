package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestATableDroppedAfterASwapIsRestoredAlone: a restore exchanged the tables since the newest full
// backup, so no moment after it can be reached. What is advised instead can be typed, and works.
func TestATableDroppedAfterASwapIsRestoredAlone(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create", "--kind", "manual")
	s.must("restore", "--confirm", s.live)
	s.must("restore", "undo", "--confirm", s.live)
	s.db.Exec(t, s.live, "INSERT INTO orders (customer_id, amount) VALUES (1, 1)", "DROP TABLE ar_invoices")
	const alone = "restore --tables ar_invoices --plan"
	o := s.run("status", "--only", "schema")
	if !strings.Contains(o.out, "Restore the missing tables alone: opsdeck") || !strings.Contains(o.out, alone) ||
		strings.Contains(o.out, "--before") {
		t.Errorf("status:\n%s", o.out)
	}
	if o = s.run("restore", "--plan"); o.code != 0 || !strings.Contains(o.out, alone) ||
		strings.Contains(o.out, "--before") {
		t.Errorf("plan of all: exit %d:\n%s", o.code, o.out)
	}
	o = s.run("audit", "changes", "--kind", "ddl", "--limit", "1", "--json")
	_, id, _ := strings.Cut(o.out, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	o = s.run("restore", "--before", id, "--plan")
	if o.code != 0 || !strings.Contains(o.out, "blocks the restore") || !strings.Contains(o.out, alone) ||
		!strings.Contains(o.err, "this plan is blocked") {
		t.Errorf("before %q: exit %d:\n%s%s", id, o.code, o.out, o.err)
	}
	if o = s.run(strings.Fields(alone)...); o.code != 0 {
		t.Errorf("the advice: exit %d:\n%s%s", o.code, o.out, o.err)
	}
	s.must("restore", "--tables", "ar_invoices", "--confirm", s.live)
	if n := s.count(s.live, "orders"); n != 3 {
		t.Errorf("%d orders are left, not 3", n)
	}
	if n := s.count(s.live, "ar_invoices"); n != 3 {
		t.Errorf("%d invoices came back, not 3", n)
	}
	if o = s.run("status", "--only", "schema"); o.code != 0 {
		t.Errorf("afterwards: %s", o.out)
	}
}
