package swap_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// No reader sees a mixture of old and restored tables, and none fails, in whatever order
// it reads the tables; neither at the swap nor at the undo.
func TestReadersSeeEitherAllFormerOrAllRestoredTables(t *testing.T) {
	rounds := 1
	if os.Getenv("OPSDECK_SOAK") != "" {
		rounds = 60
	}
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		seen := &renames{}
		f.server.Target.Addr, f.server.Target.NoTLS = db.Tap(t, seen.at), true
		db.Exec(t, f.live, "UPDATE customers SET name = 'former'", "UPDATE orders SET amount = 999")
		for range rounds {
			p := f.plan(restore.Swap)
			p.LockWait = restore.Span(30 * time.Second) // a limit, not a measurement
			f.folder = run.Folder{Path: t.TempDir()}
			f.loadAndVerify(p)
			swap := func(ctx context.Context, p *restore.Plan, to run.Folder) (run.Swapped, error) {
				return f.server.Exchange.Swap(ctx, p, to, nil)
			}
			for _, exchange := range []func(context.Context, *restore.Plan, run.Folder) (run.Swapped,
				error){swap, f.server.Exchange.SwapBack} {
				f.underReaders(
					seen,
					func() (run.Swapped, error) { return exchange(context.Background(), p, f.folder) },
				)
			}
			if _, err := f.server.Cleaning.DropOld(context.Background(), p); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// renames records how much the readers read from a swap's first RENAME to the statement
// after the last.
type renames struct {
	mu       sync.Mutex
	readers  *readers
	on       bool
	tries    int
	from, to int64
}

func (n *renames) at(statement string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	rename := strings.HasPrefix(statement, "RENAME TABLE")
	switch {
	case n.readers == nil:
	case rename && !n.on:
		n.on, n.from, n.tries = true, n.readers.total(), 1
	case rename:
		n.tries++
	case n.on:
		n.on, n.to = false, n.readers.total()
	}
}

func (n *renames) begin(r *readers) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.readers, n.tries, n.on = r, 0, false
}

func (n *renames) end() (reads int64, tries int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.on {
		n.to = n.readers.total()
	}
	n.readers = nil
	return n.to - n.from, n.tries
}

// mostReads is the number of reads that four readers may do while a RENAME waits for them.
// The RENAME blocks no more of them than it must, and they do not starve it; a limit in
// seconds would differ on every machine.
const mostReads = 1000

// readers counts the work of the readers of one swap.
type readers struct {
	reads   [4]atomic.Int64
	stop    chan struct{}
	bad     chan string
	longest atomic.Int64 // of a read, in nanoseconds
	hands   sync.WaitGroup
}

func (r *readers) total() (n int64) {
	for i := range r.reads {
		n += r.reads[i].Load()
	}
	return n
}

// all waits until every reader has read the given number of times more.
func (r *readers) all(t *testing.T, more int64) {
	t.Helper()
	var from [4]int64
	for i := range r.reads {
		from[i] = r.reads[i].Load()
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		behind := 0
		for i := range r.reads {
			if r.reads[i].Load() < from[i]+more {
				behind++
			}
		}
		if behind == 0 || len(r.bad) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the readers stand still")
		}
	}
}

// underReaders swaps while four sessions read: two for each order of the tables, and one
// of each two with a new connection for every read.
func (f *field) underReaders(seen *renames, exchange func() (run.Swapped, error)) {
	f.t.Helper()
	r := &readers{stop: make(chan struct{}), bad: make(chan string, 4)}
	for i := range r.reads {
		pool := f.db.Open(f.t, f.live)
		if i >= 2 {
			pool.SetMaxIdleConns(-1)
		}
		r.hands.Go(func() { r.read(pool, i) })
	}
	r.all(f.t, 5)
	seen.begin(r)
	out, err := exchange()
	reads, tries := seen.end()
	r.all(f.t, 5)
	close(r.stop)
	r.hands.Wait()
	if err != nil {
		f.t.Fatal(err)
	}
	select {
	case b := <-r.bad:
		f.t.Fatalf("a reader saw %s", b)
	default:
	}
	longest := time.Duration(r.longest.Load())
	f.t.Logf(
		"RENAME took %s, %d tries and the time of %d reads; a reader waited %s at most",
		out.Renamed,
		tries,
		reads,
		longest,
	)
	if reads > mostReads || tries == 0 {
		f.t.Fatalf("RENAME took the time of %d reads and %d tries", reads, tries)
	}
}

// read reads both tables in one statement, repeatedly.
func (r *readers) read(db *sql.DB, i int) {
	defer db.Close()
	from := "customers c JOIN orders o ON o.customer = c.id"
	if i%2 == 1 {
		from = "orders o JOIN customers c ON o.customer = c.id"
	}
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		var name string
		var amount float64
		begin := time.Now()
		err := db.QueryRow("SELECT c.name, o.amount FROM "+from+" WHERE o.id = 1").Scan(&name, &amount)
		if took := int64(time.Since(begin)); took > r.longest.Load() {
			r.longest.Store(took)
		}
		if err != nil || (name == "former") != (amount == 999) {
			r.bad <- fmt.Sprintf("%q %v after %d reads, the last took %s: %v", name, amount, r.reads[i].Load(), time.Since(begin), err)
			return
		}
		r.reads[i].Add(1)
	}
}
