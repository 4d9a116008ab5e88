package main

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestCodeKeepsTheCollationOfItsDatabase: code that was made before the database's default
// collation was changed compares by the old one, also after a restore and after its undo.
func TestCodeKeepsTheCollationOfItsDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, mode := range []string{"swap", "in-place"} {
			t.Run(mode, func(t *testing.T) {
				config, schema := binlogWorld(t, s)
				s.Exec(t, schema, "ALTER DATABASE COLLATE latin1_german2_ci", "CREATE TABLE t (a INT PRIMARY KEY)",
					"CREATE FUNCTION f() RETURNS INT NO SQL BEGIN DECLARE x VARCHAR(9); SET x = 'a'; RETURN x = 'A'; END",
					"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN DECLARE x VARCHAR(9); END",
					"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
					"ALTER DATABASE COLLATE utf8mb4_bin",
					"CREATE FUNCTION later() RETURNS INT NO SQL BEGIN DECLARE x VARCHAR(9); SET x = 'a'; RETURN x = 'A'; END")
				kept := func(when string) {
					t.Helper()
					var got string
					err := s.Open(t, schema).QueryRow(`SELECT CONCAT_WS(' ', f(), later(), @@collation_database,
						(SELECT DATABASE_COLLATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()),
						(SELECT DATABASE_COLLATION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()))`).Scan(&got)
					if want := "1 0 utf8mb4_bin latin1_german2_ci latin1_german2_ci"; err != nil || got != want {
						t.Errorf("%s: %s, not %s (%v)", when, got, want, err)
					}
				}
				kept("before")
				asked(t, config, 0, "backup", "create")
				asked(t, config, 0, "backup", "verify", "--deep")
				asked(t, config, 0, "restore", "--mode", mode, "--confirm", schema)
				kept("restored")
				asked(t, config, 0, "restore", "undo", "--confirm", schema)
				kept("undone")
			})
		}
	})
}
