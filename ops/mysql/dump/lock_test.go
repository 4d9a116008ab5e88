package dump

import (
	"context"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// seen waits until the server's process list has a session that matches the condition.
func seen(t *testing.T, s *testdb.Server, where string, args ...any) {
	t.Helper()
	pool := s.Open(t, "")
	for range 600 {
		var n int
		if err := pool.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE "+where, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("no session came where %s", where)
}

// calm waits until no long query runs on the server: a session that an earlier test killed
// or left may take time to end.
func calm(t *testing.T, s *testdb.Server) {
	t.Helper()
	pool := s.Open(t, "")
	for range 1200 {
		var n int
		if err := pool.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', " +
			"'Execute') AND USER <> 'system user' AND TIME >= 1 AND ID <> CONNECTION_ID()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("something runs on and on")
}

// only limits the methods to those with these names during the test.
func only(t *testing.T, names ...string) {
	all := ways
	t.Cleanup(func() { ways = all })
	ways = nil
	for _, w := range all {
		if slices.Contains(names, w.name) {
			ways = append(ways, w)
		}
	}
}

// A long-running query would block the global lock, and that lock all other queries; table
// locks avoid this.
func TestALongQueryIsNotFlushedBehind(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 500)
		only(t, "ftwrl", "lock-tables")
		calm(t, s)
		if _, m := dumped(t, s, Options{Databases: []string{db}}); m.Consistency != "ftwrl" {
			t.Fatalf("with no long query: %s", m.Consistency)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Open(t, db).ExecContext(ctx, sleep+" FROM a")
		}()
		t.Cleanup(func() {
			cancel()
			killSleepers(t, s)
			<-ended
		})
		seen(t, s, "INFO LIKE '"+sleep+"%' AND TIME >= 2")
		_, m := dumped(t, s, Options{Databases: []string{db}})
		if m.Consistency != "lock-tables" || len(m.Warnings) > 0 {
			t.Errorf("%s %q", m.Consistency, m.Warnings)
		}
		select {
		case <-ended:
			t.Error("the long query was over before the backup was")
		default:
		}
	})
}

// However long the backup waits for its locks, the service's writes never queue behind
// them for longer than one turn.
func TestWritesGoOnWhileALockIsWaitedFor(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "held", 500)
		s.Exec(
			t,
			db,
			"CREATE TABLE behind (id INT)",
		) // its lock is acquired first, by name, and kept while the dump waits for the other
		only(t, "lock-tables")
		pool := s.Open(t, db)
		writer, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Exec("DELETE FROM held ORDER BY id LIMIT 1"); err != nil {
			t.Fatal(err)
		}
		type result struct {
			m   *backup.Manifest
			err error
		}
		done := make(chan result, 1)
		path := t.TempDir() + "/a.sql.gz"
		go func() {
			m, err := Run(t.Context(), target(s), Options{Databases: []string{db}, LockWait: time.Hour}, path)
			done <- result{m, err}
		}()
		seen(t, s, "INFO LIKE 'LOCK TABLES%'")
		if _, err := pool.ExecContext(timeout(t, 4*time.Minute), "INSERT INTO behind VALUES (1)"); err != nil {
			t.Errorf("a write behind the waiting lock: %v", err)
		}
		if err := writer.Commit(); err != nil {
			t.Fatal(err)
		}
		got := <-done
		if got.err != nil || got.m.Consistency != "lock-tables" || len(got.m.Warnings) > 0 {
			t.Errorf("%+v %v", got.m, got.err)
		}
	})
}

// The wait for a lock is bounded: after it, the dump uses another method, and warns if
// that is the slow one.
func TestWaitForALockIsBounded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 500)
		fill(t, s, db, "apart", 5)
		holder, err := s.Open(t, db).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		for _, c := range []struct {
			hold, way, let string
			wait           time.Duration
		}{
			{"LOCK TABLES apart WRITE", "lock-tables", "UNLOCK TABLES", time.Hour}, // only the flush waits, one turn
			{"UPDATE a SET id = id", "single-connection", "ROLLBACK", 4 * time.Second},
		} {
			only(t, "ftwrl", "lock-tables")
			if c.way == "single-connection" {
				only(t, "lock-tables") // a flush would not wait
			}
			if err := execute(t.Context(), holder, "START TRANSACTION", c.hold); err != nil {
				t.Fatal(err)
			}
			_, m := dumped(t, s, Options{Databases: []string{db}, Tables: []string{"a"}, LockWait: c.wait})
			if m.Consistency != c.way || (len(m.Warnings) > 0) != (c.way == "single-connection") {
				t.Errorf("behind %q: %s %q", c.hold, m.Consistency, m.Warnings)
			}
			if err := execute(t.Context(), holder, c.let); err != nil {
				t.Fatal(err)
			}
		}
	})
}
