package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestUnknownTablesAreRefused: a name with a slip is an error, and no empty success. Of a table
// that was dropped the log still tells.
func TestUnknownTablesAreRefused(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE TABLE `50%, ``off``` (id INT PRIMARY KEY)", "INSERT INTO `50%, ``off``` VALUES (1)",
			"CREATE TABLE dropped (id INT PRIMARY KEY)", "INSERT INTO dropped VALUES (1)", "DROP TABLE dropped")
		for _, c := range []struct {
			code int
			says string
			args []string
		}{
			{64, "there is no table absent", []string{"backup", "create", "--dry-run", "--tables", "orders,absent"}},
			{64, "there is no table absent", []string{"backup", "create", "--tables", "orders,absent"}},
			{0, "50%, `off`", []string{"backup", "create", "--dry-run", "--tables", "orders,50%\\, `off`"}},
			{64, "there is no table absent", []string{"audit", "changes", "--table", "absent"}},
			{64, "there is no table absent", []string{"audit", "changes", "--table", "`" + s.live + "`.absent", "--json"}},
			{64, "is not a table of", []string{"audit", "changes", "--table", "`absent"}},
			{0, "dropped", []string{"audit", "changes", "--table", "dropped"}},
			{0, "off", []string{"audit", "changes", "--table", "50%, `off`"}},
			{0, "orders", []string{"audit", "changes", "--table", "`" + s.live + "`.`orders`"}},
			{0, "", []string{"audit", "changes", "--table", "orders", "--until", "2001"}},
		} {
			if o := s.run(c.args...); o.code != c.code || !strings.Contains(o.out+o.err, c.says) {
				t.Errorf("%v: exit %d\n%s%s", c.args, o.code, o.out, o.err)
			}
		}
	})
}

// TestTablesWhoseLossIsAcceptedAreTypedAsAnywhere: with their database, in backticks, with commas,
// and as the refusal prints them.
func TestTablesWhoseLossIsAcceptedAreTypedAsAnywhere(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		odd := s.live + ".x"
		db.Exec(t, s.live, "CREATE TABLE `50%, ``off``` (id INT)", "CREATE TABLE `"+odd+"` (id INT)",
			"CREATE TABLE `Plain` (id INT)")
		o := s.run("restore", "--confirm", s.live)
		list := "'50%\\, `off`,Plain,`" + odd + "`'"
		if o.code != 1 || !strings.Contains(o.err, "--accept-missing "+list) {
			t.Fatalf("exit %d: %s\nwant %s", o.code, o.err, list)
		}
		s.must("restore", "--confirm", s.live, "--accept-missing", strings.Trim(list, "'"))
		if o := s.run("restore", "drop-old", "--confirm", s.live, "--accept-missing", "`x"); o.code != 64 {
			t.Errorf("exit %d: %s", o.code, o.err)
		}
		s.must("restore", "undo", "--confirm", s.live)
		s.must("restore", "--confirm", s.live, "--accept-missing",
			"`50%\\, ``off```,"+s.live+".Plain,`"+s.live+"`.`"+odd+"`")
	})
}
