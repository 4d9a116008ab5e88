package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// The machine is lost with its backups and its archive, and the server has purged its
// log: a restore to a moment after the last backup works from the copy.
func TestRestoreToAMomentFromTheLogAtACopy(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		if db.Flavour == "mysql" {
			s.copyOverSSH()
		} else {
			s.copyInS3()
		}
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('after the backup')")...)
		s.must("backup", "binlog", "fetch")
		if o := s.must("backup", "sync", "--dry-run"); !strings.Contains(o.out, "of the binary log") {
			t.Fatalf("no word of the binary log: %s", o.out)
		}
		s.must("backup", "sync")
		db.Exec(t, s.live, inRows("UPDATE customers SET name = 'newer' WHERE name = 'after the backup'")...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		s.must("backup", "binlog", "fetch", "--flush")
		if o := s.must("backup", "sync", "--json"); !strings.Contains(o.out, `"to_time": "`) {
			t.Fatalf("how far the copy reaches is not told: %s", o.out)
		}
		if o := s.must("backup", "binlog", "list"); !strings.Contains(o.out, "copy far: reaches") {
			t.Fatalf("the list does not tell of the copy: %s", o.out)
		}
		s.must("backup", "binlog", "verify", "--copy", "far")
		s.loseBackups()
		beginLog(t, db)
		o := s.run("restore", "--from", "far:", "--before", id, "--plan")
		if o.code == 0 || !strings.Contains(o.err, "backup binlog fetch --copy far") {
			t.Fatalf("exit %d: %s%s", o.code, o.out, o.err)
		}
		s.must("backup", "binlog", "fetch", "--copy", "far")
		s.must("backup", "binlog", "verify")
		o = s.must("restore", "--from", "far:", "--before", id, "--json", "--confirm", s.live)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
	})
}
