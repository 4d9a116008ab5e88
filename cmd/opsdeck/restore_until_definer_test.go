package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// A user who may not create objects for others is told so by the plan if the log creates one
// after the backup; the plan is not blocked for a moment before it.
func TestAPlanKnowsTheDefinersInTheLog(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := emptySite(t, db, db.Schema(t))
		s.amend("key_tables: [customers, orders]", "key_tables: [customers]")
		db.Exec(t, s.live, "CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))",
			"INSERT INTO customers (name) VALUES ('none')")
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('one')")...)
		at := s.newestID("customers")
		db.Exec(t, s.live, inRows("CREATE DEFINER=CURRENT_USER VIEW seen AS SELECT * FROM customers",
			"INSERT INTO customers (name) VALUES ('two')")...)
		s.must("backup", "binlog", "fetch")
		if out := s.must("restore", "--until", "now", "--plan").out; strings.Contains(out,
			"the binlog creates objects of") {
			t.Errorf("a user with every privilege:\n%s", out)
		}
		user := "u_" + db.Flavour
		grant := "GRANT ALL ON `" + s.live[:10] + "%`.* TO " + user + "@'%'"
		db.Exec(t, "", "CREATE USER "+user+"@'%' IDENTIFIED BY 'pw'", grant,
			"GRANT RELOAD, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO "+user+"@'%'")
		t.Cleanup(func() { db.Exec(t, "", "DROP USER "+user+"@'%'") })
		s.write("weak.cnf", fmt.Sprintf("[client]\nuser=%s\npassword=pw\n", user))
		s.amend("options_file: "+s.options, "options_file: "+s.dir+"/weak.cnf")
		out := s.must("restore", "--until", "now", "--plan").out
		if !strings.Contains(out, "the binlog creates objects of") || !strings.Contains(out, "blocks the restore") {
			t.Errorf("the log's definer is not told:\n%s", out)
		}
		if out := s.must("restore", "--before", at, "--plan").out; strings.Contains(out,
			"the binlog creates objects of") {
			t.Errorf("before the view:\n%s", out)
		}
	})
}
