package main

import (
	"encoding/json"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAStatementThatNoReplayCanDoIsSaidWhenItIsArchived: by fetch, list, status and doctor,
// with the last moment that can be reached; a full backup heals it.
func TestAStatementThatNoReplayCanDoIsSaidWhenItIsArchived(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		other := db.Schema(t)
		db.Exec(t, other, "CREATE TABLE o (name VARCHAR(20))", "INSERT INTO o VALUES ('from elsewhere')")
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('in time')", "ALTER TABLE customers ADD n INT")...)
		s.stops(false)
		db.Exec(t, s.live, "SET SESSION binlog_format=STATEMENT",
			"INSERT INTO customers (name) SELECT name FROM "+other+".o")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('late')")...)
		stop := s.stops(true)
		s.stops(true) // the record of the first look is read
		if o := s.run("doctor"); o.code != 2 || !strings.Contains(o.out, "no restore reaches a later moment") {
			t.Errorf("doctor: exit %d\n%s%s", o.code, o.out, o.err)
		}
		if o := s.must("restore", "--plan", "--until", stop); strings.Contains(o.out, "blocks the restore") {
			t.Errorf("up to the stop:\n%s", o.out)
		}
		past := s.run("restore", "--plan", "--until", "now")
		if !strings.Contains(past.out, "it also uses the database") || !strings.Contains(past.out, "blocks the restore") {
			t.Errorf("past the stop: exit %d\n%s%s", past.code, past.out, past.err)
		}
		s.must("backup", "create")
		s.stops(false)
	})
}

// stops fetches, and checks that fetch, list and status agree on whether a replay stops in
// the archive. It returns the place.
func (s *realSite) stops(want bool) (place string) {
	s.t.Helper()
	fetched := s.must("backup", "binlog", "fetch").out
	listed := s.must("backup", "binlog", "list").out
	status := s.statusOf("backup")
	for where, told := range map[string]bool{
		"fetch":  strings.Contains(fetched, "STOP: a replay stops at "),
		"list":   strings.Contains(listed, "STOP: a replay stops at "),
		"status": strings.Contains(status, "no restore reaches a moment after"),
	} {
		if told != want {
			s.t.Errorf("%s tells %v, want %v:\n%s%s%s", where, told, want, fetched, listed, status)
		}
	}
	var doc binlogListJSON
	if err := json.Unmarshal([]byte(s.must("backup", "binlog", "list", "--json").out), &doc); err != nil {
		s.t.Fatal(err)
	}
	if (doc.Stops != nil) != want || !doc.StopsKnown {
		s.t.Errorf("list --json: %+v, known %v", doc.Stops, doc.StopsKnown)
	}
	if doc.Stops != nil {
		place = doc.Stops.At.String()
	}
	return place
}
