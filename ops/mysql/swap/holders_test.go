package swap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// TestTheHolderOfALockIsNamed: while the swap waits for a table that another session has
// read in its transaction, and after the wait, that session is named. Without one, nobody is.
func TestTheHolderOfALockIsNamed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		p := f.plan(restore.Swap)
		p.LockWait = restore.Span(6 * time.Second)
		f.loadAndVerify(p)
		if who, text, err := f.server.Sessions.Waiting(ctx, p); err != nil || who != "" || !text.Empty() {
			t.Fatalf("nobody waits, and %q is named: %s %v", who, text, err)
		}
		holder, err := db.Open(t, f.live).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		var id uint64
		if err := holder.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"START TRANSACTION", "SELECT COUNT(*) FROM " + restore.Name(f.live, p.Leaving[0])} {
			if _, err := holder.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error, 1)
		go func() {
			_, err := f.server.Exchange.Swap(ctx, p, f.folder, nil)
			ended <- err
		}()
		named := fmt.Sprintf("session %d of ", id)
		var said string
		for !strings.Contains(said, named) || !strings.Contains(said, "idle in an open transaction since ") {
			select {
			case err := <-ended:
				t.Fatalf("it did not wait long enough to be seen: %v; last: %s", err, said)
			case <-time.After(250 * time.Millisecond): // InnoDB renews its list only when nobody has read it for 0.1 s
			}
			_, text, err := f.server.Sessions.Waiting(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			said = lang.For("en").Msg(text)
		}
		if exact := fmt.Sprintf("KILL %d", id); db.Flavour == "mysql" && !strings.Contains(said, exact) {
			t.Errorf("it does not tell %s: %s", exact, said)
		}
		err = <-ended
		if ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), named) {
			t.Errorf("the failure does not name it: %v", err)
		}
	})
}
