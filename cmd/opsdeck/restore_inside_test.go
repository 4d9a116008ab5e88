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
	s.write("other.sql", "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80));\nINSERT INTO customers VALUES (1,'a');\n")
	plan := func() outcome { return s.must("restore", "--from", path, "--plan") }
	if o := plan(); !strings.Contains(o.err, "reading all of other.sql") || !strings.Contains(o.out, "orders is not in the backup") {
		t.Errorf("%s\n%s", o.err, o.out)
	}
	if o := plan(); strings.Contains(o.err, "reading all of") || !strings.Contains(o.out, "orders is not in the backup") {
		t.Errorf("the same dump again: %s\n%s", o.err, o.out)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.write("other.sql", "CREATE TABLE orders (id INT PRIMARY KEY, a INT, b INT, c INT, d INT);\nINSERT INTO orders VALUES (1,2,3,4,5);\n")
	if o := plan(); !strings.Contains(o.err, "reading all of") || !strings.Contains(o.out, "customers is not in the backup") {
		t.Errorf("another dump at the path: %s\n%s", o.err, o.out)
	}
}
