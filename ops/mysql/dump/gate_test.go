package dump

import (
	"context"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// A dump with a bound on the server's running threads stands still while more run,
// the dump's own apart, and goes on when they are done.
func TestBusyServerHoldsTheDumpUp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 20000)
		pool := s.Open(t, db)
		// Six statements that run for as long as they are let.
		busy, free := context.WithCancel(context.Background())
		defer free()
		var running sync.WaitGroup
		for range 6 {
			running.Go(func() { pool.ExecContext(busy, "SELECT SLEEP(60)") })
		}
		defer running.Wait()
		defer free()
		var mu sync.Mutex
		var told []ops.Progress
		report := func(p ops.Progress) {
			mu.Lock()
			defer mu.Unlock()
			if p.Phase == "rows" {
				told = append(told, p)
			}
		}
		last := func() (rows int64) {
			mu.Lock()
			defer mu.Unlock()
			if len(told) > 0 {
				rows = told[len(told)-1].Rows
			}
			return rows
		}
		done := make(chan error, 1)
		var whole int64
		go func() { // slow enough for the watch to see the server before the end
			m, err := Run(timeout(t, time.Minute), target(s), Options{Databases: []string{db}, Threads: 3, BytesRate: 5 << 20, Report: report}, t.TempDir()+"/a.sql.gz")
			if err == nil {
				whole = m.Tables[0].Rows
			}
			done <- err
		}()
		at := standing(t, last, done)
		free() // the driver ends the statements' connections; the server sees it
		killSleepers(t, s)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if at >= 20000 || whole != 20000 {
			t.Errorf("stood at row %d, ended at %d", at, whole)
		}
	})
}

// standing waits until the rows have not moved for a second and a half.
func standing(t *testing.T, rows func() int64, done chan error) int64 {
	t.Helper()
	at, since := int64(0), time.Now()
	for time.Since(since) < 1500*time.Millisecond || at == 0 {
		select {
		case err := <-done:
			t.Fatalf("the dump was not held up (%v)", err)
		case <-time.After(20 * time.Millisecond):
		}
		if n := rows(); n != at {
			at, since = n, time.Now()
		}
	}
	return at
}

func killSleepers(t *testing.T, s *testdb.Server) {
	t.Helper()
	pool := s.Open(t, "")
	rows, err := pool.Query("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(60)%'")
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for rows.Next() {
		var id int64
		rows.Scan(&id)
		ids = append(ids, id)
	}
	rows.Close()
	for _, id := range ids {
		pool.Exec("KILL ?", id)
	}
}

func TestRateHoldsTheDumpDown(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 8000) // 4 MB of text
	began := time.Now()
	dumped(t, s, Options{Databases: []string{db}, BytesRate: 2 << 20})
	if took := time.Since(began); took < 1700*time.Millisecond {
		t.Errorf("4 MB at 2 MB/s in %v", took)
	}
}
