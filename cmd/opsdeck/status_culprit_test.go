package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestStatusNamesWhoRemovedTablesAndTheCommandThatHeals types what Status advises. Where
// the log no longer holds the statement nobody is named.
func TestStatusNamesWhoRemovedTablesAndTheCommandThatHeals(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, inRows("CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)",
			"INSERT INTO t VALUES (1)")...)
		asked(t, config, 0, "backup", "create")
		s.Exec(t, schema, inRows("INSERT INTO t VALUES (2)", "CREATE TABLE v (id INT PRIMARY KEY)", "DROP TABLE v")...)
		for _, accident := range []string{"DROP TABLE t", "DROP DATABASE `" + schema + "`"} {
			s.Exec(t, schema, "INSERT INTO u SELECT COUNT(*) FROM u", accident)
			if accident == "DROP TABLE t" { // what was dropped and made again since is not why t is missing
				s.Exec(t, schema, "CREATE TABLE w (id INT PRIMARY KEY)", "DROP TABLE w",
					"CREATE TABLE w (id INT PRIMARY KEY)")
			}
			out, _ := asked(t, config, 0, "audit", "changes", "--json", "--kind", "ddl", "--limit", "4")
			newest := map[string]int{"DROP TABLE t": 3}[accident]
			id := fmt.Sprint(jsonLines(t, out)[newest]["id"])
			out, _ = asked(t, config, 2, "status", "--only", "schema", "--json")
			if !strings.Contains(out, `"removed_by": "`+id+`"`) ||
				!strings.Contains(out, "restore --before "+id+" --plan") {
				t.Fatalf("after %s, by %s: %s", accident, id, out)
			}
			asked(t, config, 0, "restore", "--before", id, "--plan")
		}
		purgeAll(t, s)
		out, _ := asked(t, config, 2, "status", "--only", "schema", "--json")
		if strings.Contains(out, "removed_by") {
			t.Errorf("the log does not hold it: %s", out)
		}
	})
}

// TestAPlainRestoreOfDroppedTablesSaysWhatTheLogStillHolds types the advice of the plan.
func TestAPlainRestoreOfDroppedTablesSaysWhatTheLogStillHolds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, inRows("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")...)
		asked(t, config, 0, "backup", "create")
		s.Exec(t, schema, inRows("INSERT INTO t VALUES (2),(3)", "DELETE FROM t WHERE id=1",
			"DROP DATABASE `"+schema+"`")...)
		out, _ := asked(t, config, 0, "audit", "changes", "--json", "--kind", "ddl", "--limit", "1")
		id := fmt.Sprint(jsonLines(t, out)[0]["id"])
		out, errs := asked(t, config, 0, "restore", "--plan")
		if text := out + errs; strings.Contains(text, "are unknown") ||
			!strings.Contains(text, "2 transactions with 3 rows after the backup") ||
			!strings.Contains(text, "restore --before "+id+" --plan") {
			t.Errorf("%s", text)
		}
		out, _ = asked(t, config, 0, "restore", "--plan", "--json")
		if !strings.Contains(out, `"drop":`) || !strings.Contains(out, id) {
			t.Errorf("%s", out)
		}
		asked(t, config, 0, "restore", "--before", id, "--plan")
		purgeAll(t, s)
		out, errs = asked(t, config, 0, "restore", "--plan")
		if text := out + errs; !strings.Contains(text, "are unknown") || strings.Contains(text, "transactions with") {
			t.Errorf("the log does not hold them: %s", text)
		}
	})
}
