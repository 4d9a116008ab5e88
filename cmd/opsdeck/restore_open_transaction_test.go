package main

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestAnOpenTransactionOfAnyDatabaseIsNoQuiet: a session without a default database has a row
// in no table yet. The restore does not begin; once the row is there, it is in the emergency
// backup. The undo waits for such a transaction, and exports its row.
func TestAnOpenTransactionOfAnyDatabaseIsNoQuiet(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		other, err := db.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		run := func(statements ...string) {
			t.Helper()
			for _, q := range statements {
				if _, err := other.ExecContext(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
		}
		run("BEGIN", "INSERT INTO "+s.live+".customers VALUES (77, 'acknowledged')")
		for _, mode := range []string{"swap", "in-place"} {
			o := s.run("restore", "--mode", mode, "--confirm", s.live)
			if o.code == 0 {
				t.Fatalf("%s: restored over an open transaction:\n%s%s", mode, o.out, o.err)
			}
			tells(t, o.out+o.err, "a transaction is open on tables of "+s.live)
		}
		run("COMMIT")
		s.must("restore", "--confirm", s.live)
		run("BEGIN", "INSERT INTO "+s.live+".customers VALUES (78, 'later')")
		ended := make(chan error, 1)
		go func() { // when the undo waits for it
			ended <- commitOnceAwaited(db.Open(t, ""), other)
		}()
		o := s.must("restore", "undo", "--confirm", s.live)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		tells(t, o.out+o.err, "rows written since the restore: 1")
		if got := word(t, db, s.live); !strings.Contains(got, "(77,'acknowledged')") || strings.Contains(got, "(78,") {
			t.Errorf("undone: %s", got)
		}
	})
}

// commitOnceAwaited commits a session's transaction as soon as another one waits for a lock.
func commitOnceAwaited(pool *sql.DB, c *sql.Conn) error {
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var n int
		if err := pool.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE " +
			"'Waiting for table metadata lock%'").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			break
		}
	}
	_, err := c.ExecContext(context.Background(), "COMMIT")
	return err
}
