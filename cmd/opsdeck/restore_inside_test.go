package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestADumpIsReadOnceForItsPlans plans a restore from a dump without a manifest
// twice, then from another one at the same path.
func TestADumpIsReadOnceForItsPlans(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	path := filepath.Join(s.dir, "other.sql")
	s.write(
		"other.sql",
		"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80));\nINSERT INTO customers VALUES (1,'a');\n",
	)
	plan := func() outcome { return s.must("restore", "--from", path, "--plan") }
	if o := plan(); !strings.Contains(o.err, "reading all of other.sql") ||
		!strings.Contains(o.out, "orders is not in the backup") {
		t.Errorf("%s\n%s", o.err, o.out)
	}
	if o := plan(); strings.Contains(o.err, "reading all of") ||
		!strings.Contains(o.out, "orders is not in the backup") {
		t.Errorf("the same dump again: %s\n%s", o.err, o.out)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.write(
		"other.sql",
		"CREATE TABLE orders (id INT PRIMARY KEY, a INT, b INT, c INT, d INT);\nINSERT INTO orders VALUES "+
			"(1,2,3,4,5);\n",
	)
	if o := plan(); !strings.Contains(o.err, "reading all of") ||
		!strings.Contains(o.out, "customers is not in the backup") {
		t.Errorf("another dump at the path: %s\n%s", o.err, o.out)
	}
}

// TestADumpIsJudgedByTheDatabaseThatTheLoadTakes plans restores from dumps of
// several databases, of another one, and of one whose end is missing.
func TestADumpIsJudgedByTheDatabaseThatTheLoadTakes(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	own := s.live
	both := "CREATE TABLE customers (id INT PRIMARY KEY);\nINSERT INTO customers VALUES (1);\nCREATE TABLE orders " +
		"(id INT PRIMARY KEY);\n"
	head := "-- MariaDB dump 10.19\n--\n-- Host: localhost    Database: shop\n"
	end := "-- Dump completed on 2026-01-02  3:04:05\n"
	s.write("shop.sql", head+"USE `shop`;\n"+both+end)
	s.write("two.sql", head+"USE `shop`;\nCREATE TABLE customers (id INT PRIMARY KEY);\nUSE `"+own+"`;\n"+both+end)
	s.write("cut.sql", head+both)
	plan := func(name string, more ...string) outcome {
		return s.run(append([]string{"restore", "--from", filepath.Join(s.dir, name), "--plan"}, more...)...)
	}
	for _, args := range [][]string{nil, {"--from-schema", "sho"}} {
		if o := plan("shop.sql", args...); o.code != 64 || !strings.Contains(o.err, "--from-schema") ||
			!strings.Contains(o.err, "it contains shop") {
			t.Errorf("%v: exit %d\n%s\n%s", args, o.code, o.out, o.err)
		}
	}
	if o := plan("two.sql", "--from-schema", "shop"); !strings.Contains(o.out, "orders is not in the backup") {
		t.Errorf("the other database's tables count: exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	s.write("cutshop.sql", head+"USE `shop`;\n"+both)
	side := own + "_aside"
	for _, args := range [][]string{{"--plan"}, {"--to", side, "--confirm", side}} {
		o := s.run(append([]string{"restore", "--from", filepath.Join(s.dir, "cutshop.sql")}, args...)...)
		if o.code != 1 || !strings.Contains(o.err,
			"the dump is truncated, and the rest of it does not contain the database "+own) {
			t.Errorf("%v: a cut-off dump of another database: exit %d\n%s\n%s", args, o.code, o.out, o.err)
		}
	}
	if o := plan("cut.sql"); !strings.Contains(o.out, "the dump is truncated") ||
		!strings.Contains(o.out, "blocks the restore") {
		t.Errorf("cut off: exit %d\n%s\n%s", o.code, o.out, o.err)
	}
}
