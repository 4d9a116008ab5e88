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

// glances delays statements until the watcher has checked the server.
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

// at counts the watcher's checks. Rows are read after the second one, because then the
// dump has acted on the first.
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

// A dump with a limit on running threads pauses while more threads run, not counting its
// own, and resumes when they end.
func TestBusyServerHoldsTheDumpUp(t *testing.T) {
	allTold(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 20000)
		pool := s.Open(t, db)
		// Six statements that run until they are released.
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
		free() // the driver closes the statements' connections and the server notices
		killSleepers(t, s)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if at >= 20000 || whole != 20000 {
			t.Errorf("stood at row %d, ended at %d", at, whole)
		}
	})
}

// A check of the server that is running when all rows are read does not harm the dump.
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
					time.Sleep(300 * time.Millisecond) // until the dump has read the rows
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

// standing waits until the row count has not changed for 1.5 seconds.
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

// Time before the first row, however long, does not raise the rate afterwards.
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
