package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestALogWithoutTheDatabaseContinuesNoBackup has servers that leave the service's
// database out of their log: the archive is no way to what was written after a backup,
// and everything that reads it says so.
func TestALogWithoutTheDatabaseContinuesNoBackup(t *testing.T) {
	for flavour, setting := range map[string]string{"mysql": "binlog-do-db=oth", "mariadb": "binlog-ignore-db=bank"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour, "--"+setting)
			s.Exec(t, "", "CREATE DATABASE bank", "CREATE DATABASE oth")
			s.Exec(t, "bank", "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1), (2)")
			s.Exec(t, "oth", "CREATE TABLE t (id INT PRIMARY KEY)")
			dir := t.TempDir()
			config := configFile(t, fmt.Sprintf("services:\n  - name: q\n    database: {name: bank, options_file: %s, "+
				"host: %s, port: %d}\n    backup: {dir: %s}\nstate_dir: %s\n", s.OptionsFile(t), s.Host, s.Port,
				filepath.Join(dir, "backups"), filepath.Join(dir, "state")))
			asked(t, config, 0, "backup", "create")
			s.Exec(t, "bank", "DELETE FROM a WHERE id = 1")
			s.Exec(t, "oth", "INSERT INTO t VALUES (1)")
			says := func(want string, code int, args ...string) {
				t.Helper()
				out, diag := asked(t, config, code, args...)
				if !strings.Contains(out+diag, want) {
					t.Errorf("%v does not say %q: %s%s", args, want, out, diag)
				}
			}
			refused := "the server does not log changes of bank (" + setting + "): no log continues"
			says(refused, 1, "restore", "--until", "now", "--plan") // from the server's own log
			asked(t, config, 0, "backup", "binlog", "fetch")
			says("the server does not log changes of bank ("+setting+")", 0, "backup", "binlog", "list")
			if out, _ := asked(t, config, 0, "backup", "binlog", "list"); strings.Contains(out, "has everything") {
				t.Errorf("an archive without the database has everything: %s", out)
			}
			says(`"unlogged": "`+setting+`"`, 0, "backup", "binlog", "list", "--json")
			says("the server does not log changes of bank ("+setting+")", 0, "audit", "changes")
			says("the server does not log this database's changes ("+setting+")", 2, "doctor")
			says("the binlog archive lacks this database's changes", 2, "status")
			says(refused, 1, "restore", "--until", "now", "--plan")
		})
	}
}
