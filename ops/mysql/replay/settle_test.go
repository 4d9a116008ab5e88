package replay

import (
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// TestAStatementRunsInTheSessionThatItWasLoggedIn: settings that the log records, and
// settings that it implies by omission, apply to each statement. For example, after keys
// with increment 10 the server returns to increment 1.
func TestAStatementRunsInTheSessionThatItWasLoggedIn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s,
			"CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(60))",
			"CREATE TABLE bin (id INT PRIMARY KEY, v VARBINARY(20))",
		)
		w.work(t,
			"SET SESSION binlog_format=STATEMENT",
			"SET SESSION auto_increment_increment=10, auto_increment_offset=7",
			"INSERT INTO orders (v) VALUES ('a1'), ('a2')",
			"SET SESSION auto_increment_increment=1, auto_increment_offset=1",
			"INSERT INTO orders (v) VALUES ('b1'), ('b2'), ('b3')",
			"SET SESSION lc_time_names='de_DE'",
			"INSERT INTO orders (v) VALUES (MONTHNAME('2026-03-01'))",
			"SET SESSION lc_time_names='en_US'",
			"INSERT INTO orders (v) VALUES (MONTHNAME('2026-03-01'))",
			"SET @b = x'e4b8ad'", "INSERT INTO bin VALUES (1, @b)",
		)
		w.work(t,
			"SET SESSION explicit_defaults_for_timestamp=0", "CREATE TABLE ed (id INT PRIMARY KEY, ts TIMESTAMP)",
			"SET SESSION explicit_defaults_for_timestamp=1", "CREATE TABLE ee (id INT PRIMARY KEY, ts TIMESTAMP NULL)",
			"SET SESSION innodb_strict_mode=0", "CREATE TABLE ns (id INT PRIMARY KEY) ROW_FORMAT=FIXED",
			"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
			"CREATE TABLE db (id INT PRIMARY KEY, v VARCHAR(10), UNIQUE (v))", "INSERT INTO db VALUES (1,'a'), (2,'A')",
			"ALTER DATABASE `"+w.live+"` CHARACTER SET latin1",
			"CREATE TABLE dl (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO dl VALUES (1, 'é')",
		)
		if s.Flavour == "mysql" {
			w.work(t, "SET SESSION default_collation_for_utf8mb4='utf8mb4_general_ci'",
				"CREATE TABLE dc (id INT PRIMARY KEY, v VARCHAR(10)) CHARACTER SET utf8mb4")
		} else {
			w.work(t, "CREATE TABLE ck (id INT PRIMARY KEY, v INT CHECK (v > 0))", "SET SESSION binlog_format=STATEMENT",
				"SET check_constraint_checks=0", "INSERT INTO ck VALUES (1, -1)")
		}
		w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		for _, schema := range []string{w.live, w.shadow} {
			var keys, collation string
			db := s.Open(t, schema)
			if err := db.QueryRow("SELECT GROUP_CONCAT(id ORDER BY id) FROM orders").Scan(&keys); err != nil {
				t.Fatal(err)
			}
			err := db.QueryRow("SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
				schema).Scan(&collation)
			if err != nil || collation != "latin1_swedish_ci" || keys != "7,17,27,28,29,30,31" {
				t.Errorf("%s: keys %s, collation %s, %v", schema, keys, collation, err)
			}
		}
	})
}
