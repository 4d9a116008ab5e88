package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"opsdeck/internal/testdb"
)

// TestWhatOpsdeckWritesCanBeReplayed rescues rows and rewinds a transaction on a server that logs
// statements, as root and as a user who may not change that: a restore reaches the moments after.
// So does a year of the audit table that comes back as a table.
// So does one after a statement that names its database, in a session without one.
func TestWhatOpsdeckWritesCanBeReplayed(t *testing.T) {
	for _, flavour := range []string{"mariadb", "mysql"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour, "--binlog-format=MIXED")
			for _, format := range []string{"MIXED", "STATEMENT"} {
				s.Exec(t, "", "SET GLOBAL binlog_format = "+format)
				writesAreReplayed(t, s, format)
			}
		})
	}
}

func writesAreReplayed(t *testing.T, s *testdb.Server, format string) {
	t.Helper()
	for _, may := range []bool{true, false} {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "CREATE TABLE o (id INT PRIMARY KEY, v VARCHAR(20))", "CREATE TABLE later (id INT PRIMARY KEY)",
			"INSERT INTO o VALUES (1, 'one'), (2, 'two'), (3, 'three')",
			"CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id INT, "+
				"action VARCHAR(50) CHECK (action <> ''), resource_type VARCHAR(50), o INT, "+
				"twice INT AS (o * 2), old_values JSON, created_at DATETIME(6) NOT NULL, "+
				"CONSTRAINT known FOREIGN KEY (o) REFERENCES o (id), CONSTRAINT low CHECK (o < 10))",
			"INSERT INTO audit_logs (action, o, old_values, created_at) VALUES ('A', 3, '{\"a\": \"1\"}', "+
				"'2020-05-05 05:05:05'), ('张', NULL, NULL, '2020-06-06'), ('B', 3, '[]', '2021-01-05')")
		asked(t, config, 0, "backup", "create")
		s.Exec(t, "", fmt.Sprintf("INSERT INTO %s.o VALUES (4, 'four')", schema))
		s.Exec(t, schema, "DELETE FROM o WHERE id = 1", "SET SESSION binlog_format=ROW", "DELETE FROM o WHERE id = 2")
		id := newestChange(t, config, "o")
		if !may {
			limit(t, s, config)
		}
		asked(t, config, 0, "restore", "rescue", "--table", "o", "--merge", "keys", "--keys", "1", "--confirm", schema)
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		out, _ := asked(t, config, 0, "audit", "archive", "--year", "2020", "--delete", "--confirm", schema, "--pause", "0s",
			"--json")
		path := regexp.MustCompile(`"path": "(.*)"`).FindStringSubmatch(out)[1]
		asked(t, config, 0, "audit", "restore-archive", path)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO later VALUES (1)")
		end := s.LogPosition(t)
		asked(t, config, 0, "restore", "--to", "there", "--until", fmt.Sprintf("%s:%d", end.File, end.Pos),
			"--confirm", "there")
		var all string
		if err := s.Open(t, "there").QueryRow("SELECT GROUP_CONCAT(id, v ORDER BY id) FROM o").Scan(&all); err != nil {
			t.Fatal(err)
		}
		if all != "1one,2two,3three,4four" {
			t.Errorf("%s, may change the format: %v: restored with %s", format, may, all)
		}
		query := "SELECT GROUP_CONCAT(action, COALESCE(twice, '-'), COALESCE(old_values, '-') ORDER BY id) FROM " +
			"audit_logs_2020"
		if err := s.Open(t, "there").QueryRow(query).Scan(&all); err != nil || all != `A6{"a": "1"},张--` {
			t.Errorf("%s, may change the format: %v: the archive's table has %s, %v", format, may, all, err)
		}
		s.Exec(t, "", "DROP DATABASE there")
	}
}

// limit lets a configuration log in as a user who may do all but change how the server logs.
func limit(t *testing.T, s *testdb.Server, config string) {
	t.Helper()
	rights := "SUPER, BINLOG ADMIN"
	if s.Flavour == "mysql" {
		rights = "SUPER, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN, REPLICATION_APPLIER"
	}
	s.Exec(t, "", "DROP USER IF EXISTS limited@'%'", "CREATE USER limited@'%' IDENTIFIED BY 'limited'",
		"GRANT ALL ON *.* TO limited@'%' WITH GRANT OPTION", "REVOKE "+rights+" ON *.* FROM limited@'%'")
	options := filepath.Join(t.TempDir(), "limited.cnf")
	if err := os.WriteFile(options, []byte("[client]\nuser=limited\npassword=limited\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	was := regexp.MustCompile(`options_file: [^,]*`)
	if err := os.WriteFile(config, was.ReplaceAll(text, []byte("options_file: "+options)), 0o600); err != nil {
		t.Fatal(err)
	}
}
