package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// A database without a table, and a table without a column of its own, are backed up,
// proved by loading, and come back.
func TestBareDatabasesAreGoodBackups(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		for name, c := range map[string]struct{ make, ask, want string }{
			"empty":         {"SELECT 1", "SELECT 1", "1"},
			"only a view":   {"CREATE VIEW v AS SELECT 7 AS seven", "SELECT seven FROM v", "7"},
			"only routines": {"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 7", "SELECT f()", "7"},
			"an event": {"CREATE EVENT e ON SCHEDULE AT '2037-01-01' DO SELECT 1", "SELECT COUNT(*) FROM " +
				"information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()", "1"},
			"computed columns": {"CREATE TABLE z (a INT AS (1) VIRTUAL); INSERT INTO z VALUES (),(),(); CREATE " +
				"TABLE ok (a INT PRIMARY KEY); INSERT INTO ok VALUES (1)",
				"SELECT CONCAT(COUNT(*), SUM(a)) FROM z", "33"},
		} {
			t.Run(name, func(t *testing.T) {
				db, dir := srv.Schema(t), t.TempDir()
				srv.Exec(t, db, c.make)
				config := configFile(
					t,
					fmt.Sprintf(
						"services:\n  - name: q\n    database: {name: %s, options_file: %s, host: %s, port: %d}\n   "+
							" backup: {dir: %s}\nstate_dir: %s\n",
						db,
						srv.OptionsFile(t),
						srv.Host,
						srv.Port,
						filepath.Join(dir, "backups"),
						filepath.Join(dir, "state"),
					),
				)
				asked(t, config, 0, "backup", "create")
				if out, _ := asked(t, config, 0, "backup", "list"); strings.Contains(out, "bad") {
					t.Errorf("%s", out)
				}
				asked(t, config, 0, "backup", "verify", "--deep")
				files, err := filepath.Glob(filepath.Join(dir, "backups", db+"_*.sql.gz")) // not its weekly name
				if err != nil || len(files) != 1 {
					t.Fatalf("%v %v", files, err)
				}
				srv.Exec(t, "", "DROP DATABASE "+db)
				srv.Client(t, "", unzipped(t, files[0]))
				var got string
				if err := srv.Open(t, db).QueryRow(c.ask).Scan(&got); err != nil || got != c.want {
					t.Errorf("restored: %q %v", got, err)
				}
			})
		}
	})
}

func unzipped(t *testing.T, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
