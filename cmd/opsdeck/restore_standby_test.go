package main

import (
	"encoding/json"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// newStandbySite is a site that keeps a standby as close to the service as the archive is,
// and a backup to build it from.
func newStandbySite(t *testing.T, db *testdb.Server) *realSite {
	t.Helper()
	s := newSite(t, db)
	s.amend("restore: {", "restore: {standby: true, standby_delay: 0s, standby_threads: 0, ")
	s.must("backup", "create")
	return s
}

// forward archives the log and brings the standby to its end.
func (s *realSite) forward() (did standbyDidJSON) {
	s.t.Helper()
	s.must("backup", "binlog", "fetch")
	o := s.must("restore", "standby", "run", "--json")
	if err := json.Unmarshal([]byte(o.out), &did); err != nil {
		s.t.Fatal(err, o.out)
	}
	return did
}

// standing is what status says of the standby.
func (s *realSite) standing() (doc standbyJSON) {
	s.t.Helper()
	o := s.must("restore", "standby", "status", "--json")
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
		s.t.Fatal(err, o.out)
	}
	return doc
}

// A restore to a moment after the standby replays the rest of the log alone, and has every
// row; its undo brings the damage back, and the next standby needs a backup from after it.
func TestARestoreBeginsWithTheStandby(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		db.Exec(t, s.live, inRows(dayAtTheShop[:9]...)...)
		if did := s.forward(); !did.Built || did.Transactions == 0 || did.Rows == 0 {
			t.Fatalf("%+v", did)
		}
		if doc := s.standing(); doc.State != "ready" || doc.Check == nil || !doc.Check.Good || doc.SizeBytes == 0 {
			t.Fatalf("%+v", doc)
		}
		db.Exec(t, s.live, inRows(dayAtTheShop[9:]...)...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders", "INSERT INTO customers (name) VALUES ('late')")...)
		damaged := s.dump()
		id := s.newestID("orders")
		plan := s.must("restore", "--before", id, "--plan")
		if !strings.Contains(plan.out, "standby at ") || !strings.Contains(plan.out, "of log to replay") {
			t.Errorf("the plan does not use the standby:\n%s", plan.out)
		}
		o := s.must("restore", "--before", id, "--json", "--confirm", s.live)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		if !strings.Contains(o.out, "is used; it holds the log up to") {
			t.Errorf("the standby was not used:\n%s", o.out)
		}
		sameDump(t, good, s.dump())
		if !s.running() {
			t.Fatal("the service is down")
		}
		if doc := s.standing(); doc.State != "gone" {
			t.Errorf("%+v", doc)
		}
		s.must("restore", "undo", "--json", "--confirm", s.live)
		sameDump(t, damaged, s.dump())
	})
}
