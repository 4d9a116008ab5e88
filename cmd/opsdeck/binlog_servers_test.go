package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestServersWithOneIDHaveTheirOwnArchives archives two MariaDB servers with the id that each
// has by default, whose logs have the same files and positions, into one folder. Neither is
// offered the other's log, also if both archives are read by the first release's rules.
func TestServersWithOneIDHaveTheirOwnArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := testdb.Private(t, "mariadb", "--server-id=1"), testdb.Private(t, "mariadb", "--server-id=1")
	text := "services:\n"
	for name, s := range map[string]*testdb.Server{"prod": a, "staging": b} {
		text += fmt.Sprintf("  - name: %s\n    database: {name: shop, options_file: %s, host: %s, port: %d}\n"+
			"    backup: {dir: %s}\n", name, s.OptionsFile(t), s.Host, s.Port, filepath.Join(dir, "backups"))
		s.Exec(t, "", "RESET MASTER", "CREATE DATABASE shop")
		s.Exec(t, "shop", "SET SESSION binlog_format=ROW", "CREATE TABLE o (id INT PRIMARY KEY, v VARCHAR(9))",
			"INSERT INTO o VALUES (1, 'both')")
	}
	config := configFile(t, text+"state_dir: "+filepath.Join(dir, "state")+"\n")
	on := func(service string, code int, args ...string) string {
		t.Helper()
		out, diag := asked(t, config, code, append([]string{"--service", service}, args...)...)
		return out + diag
	}
	on("prod", 0, "backup", "create")
	row := "INSERT INTO o VALUES (%d, '%s')"
	b.Exec(t, "shop", "SET SESSION binlog_format=ROW", fmt.Sprintf(row, 10, "staging"), fmt.Sprintf(row, 11, "staging"))
	on("staging", 0, "backup", "binlog", "fetch")
	a.Exec(t, "shop", "SET SESSION binlog_format=ROW", fmt.Sprintf(row, 2, "prod"))
	end := a.LogPosition(t)
	inserts := func(service string, want int) {
		t.Helper()
		said := on(service, 0, "audit", "changes", "--json", "--kind", "insert")
		if n := strings.Count(said, `"table":"o"`); n != want {
			t.Errorf("%s sees %d inserts, want %d:\n%s", service, n, want, said)
		}
	}
	inserts("prod", 2)
	rows := func() string {
		t.Helper()
		a.Exec(t, "", "DROP DATABASE IF EXISTS there")
		on("prod", 0, "restore", "--to", "there", "--until", fmt.Sprintf("%s:%d", end.File, end.Pos), "--confirm", "there")
		var all string
		if err := a.Open(t, "there").QueryRow("SELECT GROUP_CONCAT(id, v ORDER BY id) FROM o").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := rows(); got != "1both,2prod" {
		t.Errorf("restored with %s", got)
	}
	for range 2 {
		for _, service := range []string{"prod", "staging"} {
			if said := on(service, 0, "backup", "binlog", "fetch"); strings.Contains(said, "GAP") {
				t.Errorf("%s: %s", service, said)
			}
		}
	}
	inserts("prod", 2)
	inserts("staging", 3)
	folders := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dir, "backups", "binlog", "id-1*"))
		if err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		return found
	}
	folders()

	// A server that was moved, and one that the first release archived, goes on where it was.
	host := regexp.MustCompile(`"host":"[^"]*",`)
	for _, to := range []string{`"host":"elsewhere:3306:/data/",`, ""} {
		for _, folder := range folders() {
			rewrite(t, folder, func(text []byte) []byte { return host.ReplaceAll(text, []byte(to)) })
		}
		a.Exec(t, "shop", "SET SESSION binlog_format=ROW", "UPDATE o SET v = CONCAT(v, 1) WHERE id = 2")
		for _, service := range []string{"prod", "staging"} {
			if said := on(service, 0, "backup", "binlog", "fetch"); strings.Contains(said, "starts") {
				t.Errorf("%s, host %q: %s", service, to, said)
			}
		}
		folders()
	}
}

// rewrite changes the manifest and the indexes of an archive's folder.
func rewrite(t *testing.T, folder string, change func([]byte) []byte) {
	t.Helper()
	for _, pattern := range []string{"*.idx", "manifest.jsonl", "*.sum"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
