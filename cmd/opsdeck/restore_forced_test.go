package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAServerInForcedRecoveryKeepsItsTables has a server that was started to read what is left:
// it drops tables and takes no rows, so no restore begins there, and status is not calm.
func TestAServerInForcedRecoveryKeepsItsTables(t *testing.T) {
	t.Parallel()
	db := testdb.Private(t, "mysql")
	s := newSite(t, db)
	good := s.dump()
	s.must("backup", "create")
	db.Stop(t)
	db.Configure("--innodb-force-recovery=1")
	db.Start(t)
	if o := s.run("status"); o.code != 2 || !strings.Contains(o.out, "innodb_force_recovery=1") {
		t.Errorf("status: exit %d: %s%s", o.code, o.out, o.err)
	}
	for _, mode := range []string{"", "--mode=in-place"} {
		args := []string{"restore", "--confirm", s.live}
		if mode != "" {
			args = append(args, mode)
		}
		if o := s.run(args...); o.code != 1 || !strings.Contains(o.out+o.err, "innodb_force_recovery") {
			t.Errorf("%v: exit %d: %s%s", args, o.code, o.out, o.err)
		}
	}
	if o := s.must("backup", "create"); !strings.Contains(o.out+o.err, "innodb_force_recovery=1") {
		t.Errorf("the backup does not say under what it was made: %s%s", o.out, o.err)
	}
	if o := s.run("backup", "drill"); o.code == 0 || strings.Contains(o.out+o.err, "cannot be relied on") {
		t.Errorf("drill: exit %d: %s%s", o.code, o.out, o.err)
	}
	db.Stop(t)
	db.Configure()
	db.Start(t)
	sameDump(t, good, s.dump())
	s.must("restore", "--confirm", s.live)
}
