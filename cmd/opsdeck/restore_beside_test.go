package main

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestALoadBesideSaysWhichEventsStayDisabled types the statement that it advises; and a
// view is not called a table that is missing.
func TestALoadBesideSaysWhichEventsStayDisabled(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	s.must("backup", "create")
	side := s.live[:min(len(s.live), 50)] + "__side"
	o := s.run("restore", "--to", side, "--confirm", side)
	advice := "ALTER EVENT `" + side + "`.`nightly` ENABLE"
	tells(t, o.err, "the event nightly is left disabled; to enable it: "+advice)
	status := func() (out string) {
		row := db.Open(t, side).QueryRow("SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?", side)
		if err := row.Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := status(); got != "DISABLED" {
		t.Fatalf("the event is %s", got)
	}
	db.Exec(t, side, advice)
	if got := status(); got != "ENABLED" {
		t.Fatalf("the event is %s", got)
	}
	o = s.run("restore", "--tables", "order_names", "--confirm", s.live)
	tells(t, o.err, "order_names is a view: --tables accepts only tables")
	silent(t, o.err, "does not hold")
}
