package dump

import (
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rowread"
)

// TestAStalledLineHoldsNoLock: where the line of the connection that holds the lock passes
// nothing more, the server ends it by itself, and the service's writes go on. A snapshot
// whose lock was lost is refused.
func TestAStalledLineHoldsNoLock(t *testing.T) {
	was := lockIdle
	t.Cleanup(func() { lockIdle = was })
	lockIdle = time.Second
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY)")
		locks := [][]string{{"FLUSH TABLES WITH READ LOCK"}, {"LOCK TABLES `" + db + "`.a READ"}}
		if s.Flavour != "mysql" {
			locks = append(locks, []string{"BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"})
		}
		for i, lock := range locks {
			user, stall := through(t, s)
			pool, err := rowread.Open(t.Context(), user, "")
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			c, err := connect(t.Context(), pool, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			held := &snapshotter{control: c}
			if err := held.idle(t.Context(), lockIdle); err != nil {
				t.Fatal(err)
			}
			if err := execute(t.Context(), c, lock...); err != nil {
				t.Fatal(err)
			}
			stall()
			if _, err := s.Open(t, db).ExecContext(t.Context(), "INSERT INTO a VALUES (?)", i); err != nil {
				t.Errorf("%s: %v", lock[0], err)
			}
		}
		pool, err := rowread.Open(t.Context(), target(s), "")
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		c, err := connect(t.Context(), pool, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		id, err := one(t.Context(), c, "SELECT CONNECTION_ID()")
		if err != nil {
			t.Fatal(err)
		}
		s.Exec(t, "", "KILL "+id)
		if err := (&snapshotter{control: c}).stillHeld(t.Context()); !mysql.Lost(err) {
			t.Errorf("a lost lock: %v", err)
		}
	})
}

// TestAStalledLineBlocksNoMigration: MySQL's backup lock holds back DDL for as long as the dump's
// line lives, and no longer.
func TestAStalledLineBlocksNoMigration(t *testing.T) {
	was := lockIdle
	t.Cleanup(func() { lockIdle = was })
	lockIdle = 2 * time.Second
	s := testdb.MySQL(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY)")
	user, stall := through(t, s)
	pool, err := rowread.Open(t.Context(), user, "")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	d := &dumper{opts: Options{LockWait: time.Second}}
	release, err := d.holdDefinitions(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	migration, err := s.Open(t, db).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer migration.Close()
	if err := execute(t.Context(), migration, "SET SESSION lock_wait_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	for range 4 { // longer than the server keeps an idle line
		err := execute(t.Context(), migration, "ALTER TABLE a ADD b INT")
		if mysql.Number(err) != mysql.ErrLockWaitTimeout {
			t.Fatalf("the lock is not held: %v", err)
		}
	}
	stall()
	if err := execute(t.Context(), migration, "SET SESSION lock_wait_timeout = 3600",
		"ALTER TABLE a ADD b INT"); err != nil {
		t.Error(err)
	}
}
