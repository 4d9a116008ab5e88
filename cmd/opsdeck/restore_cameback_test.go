package main

import (
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAServiceThatComesBackKeepsItsTables: it was started again after the restore stopped it.
// The tables are not swapped under it, and a second attempt, in which it stays down, restores.
func TestAServiceThatComesBackKeepsItsTables(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	good := s.dump()
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	up, came := filepath.Join(s.dir, "up"), filepath.Join(s.dir, "came")
	again := "rm -f " + up + "; test -e " + came + " || { touch " + came + "; (sleep 1; touch " + up +
		") >/dev/null 2>&1 & }"
	s.amend(`stop: "rm -f `+up+`"`, `stop: "`+again+`"`)
	o := s.run("restore", "--confirm", s.live)
	if o.code != 1 || !strings.Contains(o.err, "shop is running again") ||
		!strings.Contains(o.err, "stop it, then retry") {
		t.Fatalf("exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	sameDump(t, damaged, s.dump())
	if !s.running() {
		t.Error("the service that somebody started was stopped")
	}
	s.must("restore", "resume", "--confirm", s.live) // it stops the service again
	sameDump(t, good, s.dump())
	if !s.running() {
		t.Error("the service is not running after the restore")
	}
}
