package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// What a standby needs is not pruned: the backup that it is being built from, and the
// binlog from its place on, also where every backup that is kept is newer. A record that
// cannot be read keeps the whole log; a standby that is broken keeps nothing.
func TestPruneKeepsWhatTheStandbyNeeds(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		s.forward()
		doc := s.standing()
		place := doc.Place.File
		for range 3 {
			db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('later')")...)
			db.Exec(t, "", "FLUSH BINARY LOGS")
		}
		second, third := s.nextBackup(), s.nextBackup()
		s.nextBackup()
		s.must("backup", "binlog", "fetch")
		s.onlyOneName()
		ageArchive(t, filepath.Join(s.dir, "backups", "binlog"), 3*time.Hour)

		record := filepath.Join(s.dir, "state", "standby", "shop", "standby.json")
		text, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		state := func(name string) string {
			return strings.Replace(string(text), `"state": "ready"`, `"state": "`+name+`"`, 1)
		}
		s.writeRecord(record, state("building"))
		o := s.run("backup", "remove", doc.Backup, "--confirm", s.live)
		if _, err := os.Stat(filepath.Join(s.dir, "backups", doc.Backup)); err != nil || o.code == 0 ||
			!strings.Contains(o.out+o.err, "a standby is being built from it") {
			t.Fatalf("exit %d, %v\n%s%s", o.code, err, o.out, o.err)
		}
		s.writeRecord(record, "{")
		o = s.must("backup", "remove", doc.Backup, "--confirm", s.live)
		if s.logFrom() > place || !strings.Contains(o.out+o.err, "no binlog was removed") {
			t.Fatalf("the log begins with %s\n%s%s", s.logFrom(), o.out, o.err)
		}
		s.writeRecord(record, string(text))
		s.must("backup", "remove", second, "--confirm", s.live)
		if got := s.logFrom(); got > place {
			t.Fatalf("the log begins with %s, the standby needs it from %s", got, place)
		}
		if did := s.forward(); did.Built || did.Transactions < 3 {
			t.Errorf("the standby does not go on: %+v", did)
		}
		if want, got := s.checksum(s.live, "customers"), s.checksum(doc.Schema, "customers"); want != got {
			t.Errorf("customers: checksum %d, in the standby %d", want, got)
		}
		s.writeRecord(record, state("broken"))
		s.must("backup", "remove", third, "--confirm", s.live)
		if got := s.logFrom(); got <= place {
			t.Errorf("the log still begins with %s", got)
		}
	})
}

// onlyOneName removes the further names of the backups: a backup goes with its last one.
func (s *realSite) onlyOneName() {
	s.t.Helper()
	for _, tier := range []string{"weekly", "monthly"} {
		names, err := filepath.Glob(filepath.Join(s.dir, "backups", tier+"_*"))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// logFrom is the first file of the archived log.
func (s *realSite) logFrom() string {
	s.t.Helper()
	var doc binlogListJSON
	o := s.must("backup", "binlog", "list", "--json")
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil || len(doc.Spans) == 0 {
		s.t.Fatal(err, o.out)
	}
	return doc.Spans[0].FromFile
}
