package swap_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// TestNobodyWritesBetweenTheLastLookAndTheSwap: a transaction commits while the swap waits for
// its tables. The last look comes after that, and the swap ends before a table moved; without
// an objection it goes on.
func TestNobodyWritesBetweenTheLastLookAndTheSwap(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		ctx := context.Background()
		p := f.plan(restore.Swap)
		p.LockWait = restore.Span(2 * time.Minute)
		f.loadAndVerify(p)
		pool := db.Open(t, "")
		writer, err := pool.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		for _, q := range []string{"BEGIN", "INSERT INTO " + f.live + ".customers (id, name) VALUES (7700, 'late')"} {
			if _, err := writer.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			for n := 0; n == 0; time.Sleep(5 * time.Millisecond) {
				if err := pool.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE " +
					"'Waiting for table metadata lock%'").Scan(&n); err != nil {
					break
				}
			}
			_, _ = writer.ExecContext(ctx, "COMMIT")
		}()
		seen := 0
		guard := func(objects bool) run.Guard {
			look := func(ctx context.Context) error {
				reader := db.Open(t, "") // reads what is committed, beside the locks of the tables
				defer reader.Close()
				if err := reader.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE "+
					"trx_rows_modified > 0").Scan(&seen); err != nil {
					return err
				}
				if objects {
					return &run.WrittenError{Writes: run.Writes{Live: true}}
				}
				return nil
			}
			return func(context.Context) (func(context.Context) error, error) { return look, nil }
		}
		written := (*run.WrittenError)(nil)
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, guard(true)); !errors.As(err, &written) || seen != 0 {
			t.Fatalf("%v; transactions open at the last look: %d", err, seen)
		}
		var n int
		if err := pool.QueryRow("SELECT COUNT(*) FROM " + f.live + ".customers WHERE id = 7700").Scan(&n); err != nil || n != 1 {
			t.Errorf("the live table has the row %d times, %v", n, err)
		}
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, guard(false)); err != nil {
			t.Fatal(err)
		}
		if err := pool.QueryRow("SELECT COUNT(*) FROM " + f.live + ".customers WHERE id = 7700").Scan(&n); err != nil || n != 0 {
			t.Errorf("after the swap: the row is there %d times, %v", n, err)
		}
	})
}
