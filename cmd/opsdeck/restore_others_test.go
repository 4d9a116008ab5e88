package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestADumpOfSeveralDatabasesSaysWhatIsNotRestored: the plan names the other databases and
// the DROP DATABASE that is not run, and the other database stays as it is. A dump of one
// database says nothing of the kind.
func TestADumpOfSeveralDatabasesSaysWhatIsNotRestored(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	other := db.Schema(t)
	db.Exec(t, other, "CREATE TABLE kept (id INT PRIMARY KEY)", "INSERT INTO kept VALUES (7)")
	one := "USE `" + s.live + "`;\nDROP TABLE IF EXISTS customers;\nCREATE TABLE customers (id INT PRIMARY KEY);\n" +
		"INSERT INTO customers VALUES (1),(2);\nDROP TABLE IF EXISTS orders;\nCREATE TABLE orders (id INT PRIMARY KEY);\n" +
		"INSERT INTO orders VALUES (1),(2);\n"
	two := "DROP DATABASE IF EXISTS `" + other + "`;\nCREATE DATABASE `" + other + "`;\nUSE `" + other +
		"`;\nCREATE TABLE kept (id INT PRIMARY KEY);\n"
	s.write("one.sql", one)
	s.write("both.sql", one+two)
	said := []string{"also contains other databases, which are not restored: " + other,
		"drops other databases; these statements are not run: " + other}
	for name, want := range map[string]bool{"one.sql": false, "both.sql": true} {
		plan := s.must("restore", "--from", s.dir+"/"+name, "--plan").out
		for _, text := range said {
			if strings.Contains(plan, text) != want {
				t.Errorf("%s: %q is said: %v\n%s", name, text, !want, plan)
			}
		}
	}
	o := s.must("restore", "--from", s.dir+"/both.sql", "--confirm", s.live, "--accept-missing",
		"ar_invoices,total_of,order_names,orders_bi,nightly")
	if !strings.Contains(o.err, "left out database "+other) {
		t.Errorf("the load does not tell what it left out:\n%s", o.err)
	}
	var id int
	if err := db.Open(t, other).QueryRow("SELECT id FROM kept").Scan(&id); err != nil || id != 7 {
		t.Errorf("the other database was changed: %d %v", id, err)
	}
}
