package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestStatusSaysThatTheLogContinuesOnAnotherServer moves a service to another server, whose
// log continues no backup until one is made there.
func TestStatusSaysThatTheLogContinuesOnAnotherServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := func(s *testdb.Server) string {
		return fmt.Sprintf("services:\n  - name: q\n    database: {name: shop, options_file: %s, host: %s, port: %d}\n"+
			"    backup: {dir: %s}\nstate_dir: %s\n", s.OptionsFile(t), s.Host, s.Port,
			filepath.Join(dir, "backups"), filepath.Join(dir, "state"))
	}
	a, b := testdb.Private(t, "mariadb", "--server-id=11"), testdb.Private(t, "mariadb", "--server-id=12")
	for _, s := range []*testdb.Server{a, b} {
		s.Exec(t, "", "CREATE DATABASE shop")
		s.Exec(t, "shop", "SET SESSION binlog_format=ROW", "CREATE TABLE o (id INT PRIMARY KEY)",
			"INSERT INTO o VALUES (1)")
	}
	config := configFile(t, settings(a))
	asked(t, config, 0, "backup", "create")
	a.Exec(t, "shop", "SET SESSION binlog_format=ROW", "INSERT INTO o VALUES (2)")
	asked(t, config, 0, "backup", "binlog", "fetch")
	const lost = "the binlog continues on another server, id-12"
	says := func(code int, want bool) {
		t.Helper()
		out, diag := asked(t, config, code, "status", "--only", "backup")
		if got := strings.Contains(out+diag, lost); got != want {
			t.Errorf("it says %v that the log continues elsewhere:\n%s%s", got, out, diag)
		}
	}
	says(0, false)
	if err := os.WriteFile(config, []byte(settings(b)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, "shop", "SET SESSION binlog_format=ROW", // MariaDB's times are whole seconds
		"SET SESSION timestamp = UNIX_TIMESTAMP() + 60", "INSERT INTO o VALUES (3)")
	asked(t, config, 0, "backup", "binlog", "fetch")
	says(2, true)
	asked(t, config, 0, "backup", "create")
	says(0, false)
}
