package swap_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// No reader sees a mixture of former and restored tables, and none fails, in
// whatever order it takes the tables; neither at the exchange nor at its undo.
func TestReadersSeeEitherAllFormerOrAllRestoredTables(t *testing.T) {
	rounds := 1
	if os.Getenv("OPSDECK_SOAK") != "" {
		rounds = 60
	}
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		db.Exec(t, f.live, "UPDATE customers SET name = 'former'", "UPDATE orders SET amount = 999")
		for range rounds {
			p := f.plan(restore.Swap)
			p.LockWait = restore.Span(30 * time.Second) // a bound, not a measure
			f.folder = restore.Folder{Path: t.TempDir()}
			f.loadAndVerify(p)
			alone := f.aloneRename(p)
			for _, exchange := range []func(context.Context, *restore.Plan, restore.Folder) (restore.Swapped, error){f.server.Swap, f.server.SwapBack} {
				f.underReaders(alone, func() (restore.Swapped, error) { return exchange(context.Background(), p, f.folder) })
			}
			if _, err := f.server.DropOld(context.Background(), p); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// aloneRename exchanges and undoes it with nobody there, to learn how long the
// RENAME takes on this machine as it is now.
func (f *field) aloneRename(p *restore.Plan) time.Duration {
	f.t.Helper()
	var longest time.Duration
	for _, exchange := range []func(context.Context, *restore.Plan, restore.Folder) (restore.Swapped, error){f.server.Swap, f.server.SwapBack} {
		out, err := exchange(context.Background(), p, f.folder)
		if err != nil {
			f.t.Fatal(err)
		}
		longest = max(longest, out.Renamed)
	}
	f.folder = restore.Folder{Path: f.t.TempDir()} // as if it had not been
	return longest
}

// readers counts what the readers of one exchange do.
type readers struct {
	reads   [4]atomic.Int64
	stop    chan struct{}
	bad     chan string
	longest atomic.Int64 // of a read, in nanoseconds
	hands   sync.WaitGroup
}

// all waits until every reader has read so often more.
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

// underReaders exchanges while four sessions read: two by each order of the
// tables, one of each with a connection of its own for every read.
func (f *field) underReaders(alone time.Duration, exchange func() (restore.Swapped, error)) {
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
	out, err := exchange()
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
	f.t.Logf("RENAME took %s (%s with nobody there); a reader waited %s at most", out.Renamed, alone, longest)
	if bound := max(time.Second, 20*alone); out.Renamed > bound { // a second, on a machine that is not busy
		f.t.Fatalf("RENAME took %s, with nobody there %s", out.Renamed, alone)
	}
}

// read reads both tables in one statement, over and over.
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
