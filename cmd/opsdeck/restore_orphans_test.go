package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestRemainsOfAnInterruptedDropAreToldByThePlan: the folder of the database is gone and
// the server still knows its tables and routines. The statements that the plan advises make
// the restore possible. A plain DROP DATABASE leaves nothing of the kind.
func TestRemainsOfAnInterruptedDropAreToldByThePlan(t *testing.T) {
	db := testdb.Private(t, "mariadb")
	s := newSite(t, db)
	good := s.dump()
	s.must("backup", "create")
	db.Exec(t, "", "FLUSH TABLES")
	if err := os.RemoveAll(filepath.Join(db.DataDir(), s.live)); err != nil {
		t.Fatal(err)
	}
	o := s.refuses("but the server still knows objects of it", "restore", "--confirm", s.live)
	advice := "CREATE DATABASE `" + s.live + "`; DROP DATABASE `" + s.live + "`"
	if !strings.Contains(o.err, advice) || !s.running() {
		t.Fatalf("service running %v\n%s", s.running(), o.err)
	}
	db.Exec(t, "", strings.Split(advice, "; ")...)
	s.must("restore", "--confirm", s.live)
	sameDump(t, good, s.dump())
}
