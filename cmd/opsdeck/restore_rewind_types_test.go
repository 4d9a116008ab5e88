package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestRewindOfTypesThatTheLogHasAsBytes has MariaDB's types that the log holds as bytes of
// fixed length: what is there is known as unchanged, found by its key, and written again.
// UUIDs of versions 1 and 7 are stored in another order than they are printed in.
func TestRewindOfTypesThatTheLogHasAsBytes(t *testing.T) {
	for name, s := range map[string]*testdb.Server{"mariadb": testdb.MariaDB(t), "mariadb11": testdb.MariaDB11(t)} {
		t.Run(name, func(t *testing.T) {
			config, schema := binlogWorld(t, s)
			const v1, v7 = "533a624e-ec40-11f1-9f6f-02fc00000001", "0190163d-8694-739b-aea5-966c26f8ad91"
			vector, values := "v VARBINARY(12)", "x'0000803f0000004000004040'"
			if name == "mariadb11" {
				vector = "v VECTOR(3)"
			}
			s.Exec(t, schema, "SET SESSION binlog_format=ROW",
				"CREATE TABLE k (u UUID PRIMARY KEY, ip INET6, ip4 INET4, n INT, "+vector+")",
				"INSERT INTO k VALUES ('"+v1+"','2001:db8::1','10.0.0.1',1,"+values+"), "+
					"('"+v7+"','::2','0.0.0.0',2,NULL), (UUID(),'::ffff:1.2.3.4',NULL,3,"+values+"), "+
					"('00000000-0000-0000-0000-000000000000','::','255.0.0.0',4,NULL)")
			before := word(t, s, schema)
			for _, change := range []string{"UPDATE k SET n = 9, ip = '::7' WHERE n < 3", "DELETE FROM k"} {
				s.Exec(t, schema, "SET SESSION binlog_format=ROW", change)
				after := word(t, s, schema)
				id := newestChange(t, config, "k")
				plan, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
				if !strings.Contains(plan, `"conflicts": 0`) || !strings.Contains(plan, "2001:db8::1") {
					t.Errorf("%s: %s", change, plan)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
				if got := word(t, s, schema); got != before {
					t.Fatalf("%s, rewound:\n%s\nwant\n%s", change, got, before)
				}
				asked(t, config, 0, "restore", "undo", "--confirm", schema)
				if got := word(t, s, schema); got != after {
					t.Fatalf("%s, undone:\n%s\nwant\n%s", change, got, after)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
			}
			for _, key := range []string{v1, v7} {
				out, _ := asked(t, config, 0, "audit", "changes", "--table", "k", "--key", key, "--json")
				if n := len(jsonLines(t, out)); n < 3 {
					t.Errorf("%s is in %d transactions: %s", key, n, out)
				}
			}
		})
	}
}

var versionTimes = regexp.MustCompile(`,'[^']*\.\d{6}','[^']*\.\d{6}'`)

// anyOrder sorts lines, for rows without a key have no order, and leaves out the times of versions.
func anyOrder(text string) string {
	lines := strings.Split(versionTimes.ReplaceAllString(text, ""), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestRewindOfTablesWithColumnsOfTheServersOwn has tables of MariaDB that the log has with more
// columns than their statements name: the hash of a UNIQUE over a BLOB, the times of versioned
// rows, whose deletion is logged as a change.
func TestRewindOfTablesWithColumnsOfTheServersOwn(t *testing.T) {
	for name, s := range map[string]*testdb.Server{"mariadb": testdb.MariaDB(t), "mariadb11": testdb.MariaDB11(t)} {
		t.Run(name, func(t *testing.T) {
			config, schema := binlogWorld(t, s)
			s.Exec(t, schema, "SET SESSION binlog_format=ROW",
				"CREATE TABLE app (id INT, s DATE, e DATE, PERIOD FOR p(s,e), UNIQUE (id, p WITHOUT OVERLAPS))",
				"CREATE TABLE hk (id INT PRIMARY KEY, b BLOB, UNIQUE (b))",
				"CREATE TABLE hk2 (a TEXT UNIQUE, id INT PRIMARY KEY, b BLOB UNIQUE, n INT)",
				"CREATE TABLE sv (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
				"CREATE TABLE svn (id INT PRIMARY KEY, v INT, f TIMESTAMP(6) GENERATED ALWAYS AS ROW START, "+
					"u TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(f,u)) WITH SYSTEM VERSIONING",
				"CREATE TABLE svb (id INT, v INT) WITH SYSTEM VERSIONING",
				"INSERT INTO app VALUES (1,'2020-01-01','2021-01-01'), (2,'2020-01-01','2022-01-01')",
				"INSERT INTO hk VALUES (1,'a'), (2,'b'), (3,NULL)",
				"INSERT INTO hk2 VALUES ('x',1,'a',1), ('y',2,'b',2)",
				"INSERT INTO sv VALUES (1,1), (2,2)", "INSERT INTO svn VALUES (1,1,DEFAULT,DEFAULT), (2,2,DEFAULT,DEFAULT)",
				"INSERT INTO svb VALUES (1,1), (1,1), (2,2)")
			before := anyOrder(word(t, s, schema))
			for _, change := range [][]string{
				{"UPDATE app SET e = '2023-01-01'", "UPDATE hk SET b = CONCAT(b, 'x')", "UPDATE sv SET v = 1000",
					"UPDATE hk2 SET n = 9, a = CONCAT(a, a)", "UPDATE svn SET v = 9", "UPDATE svb SET v = 1000"},
				{"DELETE FROM app", "DELETE FROM hk", "DELETE FROM hk2", "DELETE FROM sv", "DELETE FROM svn",
					"DELETE FROM svb"},
				{"INSERT INTO app VALUES (3,'2020-01-01','2021-01-01')", "INSERT INTO hk VALUES (4,'d')",
					"INSERT INTO hk2 VALUES ('z',3,'c',3)", "UPDATE sv SET id = id + 10", "INSERT INTO svn (id) VALUES (3)",
					"INSERT INTO svb VALUES (3,3)"},
			} {
				s.Exec(t, schema, append([]string{"SET SESSION binlog_format=ROW", "BEGIN"}, append(change, "COMMIT")...)...)
				after := anyOrder(word(t, s, schema))
				id := newestChange(t, config, "hk")
				plan, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
				if !strings.Contains(plan, `"conflicts": 0`) {
					t.Errorf("%s: %s", change, plan)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
				if got := anyOrder(word(t, s, schema)); got != before {
					t.Fatalf("%s, rewound:\n%s\nwant\n%s", change, got, before)
				}
				asked(t, config, 0, "restore", "undo", "--confirm", schema)
				if got := anyOrder(word(t, s, schema)); got != after {
					t.Fatalf("%s, undone:\n%s\nwant\n%s", change, got, after)
				}
				asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
			}
		})
	}
}
