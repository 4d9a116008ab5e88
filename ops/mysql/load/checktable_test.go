package load

import (
	"database/sql"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// TestACheckThatALockPreventsSaysNothingAboutTheTable holds a table for longer than a
// session waits, then lets it go: an error first, and then no complaint. A table that is
// missing is a complaint.
func TestACheckThatALockPreventsSaysNothingAboutTheTable(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		name := s.Schema(t)
		s.Exec(t, name, "CREATE TABLE orders (id INT PRIMARY KEY)")
		holder, checker := s.Open(t, name), s.Open(t, name)
		run := func(pool *sql.DB, q string) {
			pool.SetMaxOpenConns(1)
			t.Helper()
			if _, err := pool.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		run(checker, "SET SESSION lock_wait_timeout = 1")
		run(holder, "LOCK TABLES orders WRITE")
		check := func(table string) (Check, error) { return CheckTable(t.Context(), checker, name, table, false) }
		if c, err := check("orders"); len(c.Complaints) > 0 || !mysql.Yields(err) {
			t.Errorf("a locked table: %+v, error %v", c, err)
		}
		run(holder, "UNLOCK TABLES")
		run(checker, "SET SESSION lock_wait_timeout = 200") // others lock the whole server for a while
		if c, err := check("orders"); len(c.Complaints) > 0 || c.Unsupported || err != nil {
			t.Errorf("a free table: %+v, error %v", c, err)
		}
		if c, err := check("nowhere"); len(c.Complaints) == 0 || err != nil {
			t.Errorf("a missing table: %+v, error %v", c, err)
		}
	})
}

// TestAnEngineWithoutACheckIsNotSaidToPassIt: of a table in memory nothing is known.
func TestAnEngineWithoutACheckIsNotSaidToPassIt(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		name := s.Schema(t)
		s.Exec(t, name, "CREATE TABLE held (id INT PRIMARY KEY) ENGINE=MEMORY")
		c, err := CheckTable(t.Context(), s.Open(t, name), name, "held", false)
		if err != nil || !c.Unsupported || len(c.Complaints) > 0 {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestWhatPreventedACheckIsReadFromItsRow has the texts of MySQL 9.7 and MariaDB. That
// of the deadlock came from MySQL 9.7 while other sessions changed definitions.
func TestWhatPreventedACheckIsReadFromItsRow(t *testing.T) {
	for text, want := range map[string]int{
		"Deadlock found when trying to get lock; try restarting transaction": mysql.ErrDeadlock,
		"Lock wait timeout exceeded; try restarting transaction":             mysql.ErrLockWaitTimeout,
		"Operation failed": 0,
		"Corrupt":          0,
	} {
		if got := mysql.Number(prevented(text)); int(got) != want {
			t.Errorf("%s: %d, not %d", text, got, want)
		}
	}
}
