package main

import (
	"encoding/json"
	"strings"
	"testing"

	"filippo.io/age"

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
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('in time')",
			"ALTER TABLE customers ADD n INT")...)
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
		if !strings.Contains(past.out, "it also uses the database") ||
			!strings.Contains(past.out, "blocks the restore") {
			t.Errorf("past the stop: exit %d\n%s%s", past.code, past.out, past.err)
		}
		s.must("backup", "create")
		s.stops(false)
		xa := func(id, end string, stops bool) { // decided by another session, after the archive was looked at
			db.Exec(t, s.live, "SET SESSION binlog_format=STATEMENT", "XA START '"+id+"'",
				"INSERT INTO customers (name) SELECT name FROM "+other+".o", "XA END '"+id+"'", "XA PREPARE '"+id+"'")
			s.stops(false)
			db.Exec(t, s.live, end+" '"+id+"'")
			s.stops(stops)
		}
		xa("back", "XA ROLLBACK", false)
		xa("done", "XA COMMIT", true)
		s.unknownStops()
	})
}

// unknownStops encrypts what follows for a key that is not here: whether a replay stops in it
// is not known, and nothing says that it does not.
func (s *realSite) unknownStops() {
	s.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		s.t.Fatal(err)
	}
	s.amend("keep: {daily: 7}", "keep: {daily: 7}, recipients: ["+key.Recipient().String()+"]")
	s.db.Exec(s.t, s.live, "FLUSH BINARY LOGS")
	s.must("backup", "create")
	s.db.Exec(s.t, s.live, "ALTER TABLE customers ADD sealed INT")
	for _, what := range []string{"fetch", "list"} {
		o := s.must("backup", "binlog", what)
		if text := o.out + o.err; !strings.Contains(text, "is unknown: the binlog archive is encrypted") {
			s.t.Errorf("%s without the key:\n%s", what, text)
		}
	}
	var doc binlogListJSON
	if err := json.Unmarshal([]byte(s.must("backup", "binlog", "list", "--json").out), &doc); err != nil {
		s.t.Fatal(err)
	}
	if doc.Stops != nil || doc.StopsKnown {
		s.t.Errorf("list --json: %+v, known %v", doc.Stops, doc.StopsKnown)
	}
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
