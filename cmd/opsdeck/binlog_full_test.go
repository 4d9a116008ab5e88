package main

import (
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAnArchiveThatCouldNotBeginHoldsNothing: on a full disk a fetch leaves a file without
// an event, which is no archive, not good, and of no age. With room the fetch goes on.
func TestAnArchiveThatCouldNotBeginHoldsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.Private(t, "mariadb")) // others rotate the logs of a shared one
	dir := s.smallFolder(t, "backups")
	s.db.Exec(t, s.live, "CREATE TABLE noise (id INT PRIMARY KEY AUTO_INCREMENT, t VARBINARY(1024))",
		"INSERT INTO noise (t) SELECT RANDOM_BYTES(1024) FROM seq_1_to_500") // more than there is room for
	filler := fillDisk(t, dir, 24<<10)
	o := s.run("backup", "binlog", "fetch")
	if o.code != 1 || strings.Count(o.err, "the archive cannot be written") != 1 ||
		!strings.Contains(o.err, "the disk of "+dir+" is full") || strings.Contains(o.err, "no partial file") {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	for _, verb := range []string{"list", "verify"} {
		o := s.run("backup", "binlog", verb)
		if said := o.out + o.err; !strings.Contains(said, "the binlog archive is empty") ||
			strings.Contains(said, " good") || strings.Contains(said, " old") {
			t.Errorf("%s: exit %d: %s", verb, o.code, said)
		}
	}
	if o := s.must("backup", "binlog", "list", "--json"); !strings.Contains(o.out, `"lag_ms": null`) {
		t.Errorf("the age of nothing: %s", o.out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.must("backup", "binlog", "fetch")
	if o := s.must("backup", "binlog", "verify"); !strings.Contains(o.out, "good") {
		t.Errorf("with room: %s%s", o.out, o.err)
	}
}
