package dump

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// glances holds statements up until the watch has looked at the server.
type glances struct {
	mu   sync.Mutex
	wake *sync.Cond
	n    int
}

const look = "SHOW GLOBAL STATUS LIKE 'Threads_running'"

func newGlances() *glances {
	l := &glances{}
	l.wake = sync.NewCond(&l.mu)
	return l
}

// at counts looks. Rows are read once there were two, for then the dump has acted on
// what the first has seen.
func (l *glances) at(statement string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case strings.HasPrefix(statement, look):
		l.n++
		l.wake.Broadcast()
	case strings.HasPrefix(statement, rowsBegin):
		for l.n < 2 {
			l.wake.Wait()
		}
	}
}

// A dump with a bound on the server's running threads stands still while more run,
// the dump's own apart, and goes on when they are done.
func TestBusyServerHoldsTheDumpUp(t *testing.T) {
	allTold(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 20000)
		pool := s.Open(t, db)
		// Six statements that run for as long as they are let.
		busy, free := context.WithCancel(context.Background())
		defer free()
		var running sync.WaitGroup
		for range 6 {
			running.Go(func() { pool.ExecContext(busy, sleep) })
		}
		defer running.Wait()
		defer free()
		for len(sleepers(t, s)) < 6 {
			time.Sleep(5 * time.Millisecond)
		}
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
		to := tcp(s)
		to.Addr, to.NoTLS = s.Tap(t, newGlances().at), true
		go func() {
			m, err := Run(
				timeout(t, 4*time.Minute),
				to,
				Options{Databases: []string{db}, Threads: 3, Report: report},
				t.TempDir()+"/a.sql.gz",
			)
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

// A look at the server that is under way when all rows are read costs the dump nothing.
func TestTheLastLookAtTheServerHarmsNothing(t *testing.T) {
	allTold(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 500)
		read := make(chan struct{})
		var once sync.Once
		to := tcp(s)
		to.NoTLS = true
		to.Addr = s.Tap(t, func(statement string) {
			if strings.HasPrefix(statement, look) {
				select {
				case <-read:
					time.Sleep(300 * time.Millisecond) // until the dump has done with the rows
				case <-t.Context().Done():
				}
			}
		})
		report := func(p ops.Progress) {
			if p.Phase == "rows" && p.Rows == 500 {
				once.Do(func() { close(read) })
			}
		}
		path := t.TempDir() + "/a.sql.gz"
		m, err := Run(
			timeout(t, 4*time.Minute),
			to,
			Options{Databases: []string{db}, Threads: 1000, Report: report},
			path,
		)
		if err != nil {
			t.Fatal(err)
		}
		proved(t, path, m)
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

const sleep = "SELECT SLEEP(600)"

func sleepers(t *testing.T, s *testdb.Server) (ids []int64) {
	t.Helper()
	rows, err := s.Open(t, "").Query("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '" + sleep + "%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		rows.Scan(&id)
		ids = append(ids, id)
	}
	return ids
}

func killSleepers(t *testing.T, s *testdb.Server) {
	t.Helper()
	for _, id := range sleepers(t, s) {
		s.Open(t, "").Exec(fmt.Sprintf("KILL %d", id))
	}
}

// What goes before the rows, however long it takes, is no leave to read them faster.
func TestRateHoldsTheDumpDown(t *testing.T) {
	allTold(t)
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 4000) // 2 MB of text
	to := tcp(s)
	to.NoTLS = true
	to.Addr = s.Tap(t, func(statement string) {
		if strings.HasPrefix(statement, "START TRANSACTION") {
			time.Sleep(time.Second)
		}
	})
	var began time.Time
	report := func(p ops.Progress) {
		if p.Phase == "rows" && began.IsZero() {
			began = time.Now()
		}
	}
	if _, err := Run(t.Context(), to, Options{Databases: []string{db}, BytesRate: 1 << 20, Report: report}, t.TempDir()+
		"/a.sql.gz"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 1700*time.Millisecond {
		t.Errorf("2 MB at 1 MB/s in %v", took)
	}
}
