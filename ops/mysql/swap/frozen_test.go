package swap_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
)

// planWhileNothingCanBeCreated plans a restore while another session holds the lock of FLUSH
// TABLES WITH READ LOCK: that is one finding, which names the session, and nothing else is
// tried. On a server that is read-only nothing is tried either. It takes a server that the
// test has for itself.
func planWhileNothingCanBeCreated(t *testing.T, db *testdb.Server) {
	ctx := context.Background()
	f := newField(t, db)
	f.server.Close()
	f.server = swap.New(swap.Settings{Target: newTarget(db), Loader: f.loader, TrialWait: time.Second})
	pool := db.Open(t, "")
	holder, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	say := func(q string, column int) string {
		t.Helper()
		rows, err := schema.All(ctx, pool, q)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v %v", q, rows, err)
		}
		return rows[0][column]
	}
	created := func() int {
		t.Helper()
		n, err := strconv.Atoi(say("SHOW GLOBAL STATUS LIKE 'Com_create_db'", 1))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	frozen := func(a *restore.Assessment) (found []restore.Finding) {
		for _, x := range a.Findings {
			if said := x.What.Msg.String(); strings.Contains(said, "can be created on the server") ||
				strings.Contains(said, "could not test") {
				found = append(found, x)
			}
		}
		return found
	}
	id, err := schema.One(ctx, holder, "SELECT CONNECTION_ID()")
	if err != nil {
		t.Fatal(err)
	}
	before := created()
	if _, err := holder.ExecContext(ctx, "FLUSH TABLES WITH READ LOCK"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { // MariaDB does not tell that an idle session holds it
		_, err := schema.One(ctx, holder, "SELECT SLEEP(600)")
		ended <- err
	}()
	for say("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(600)'", 0) != "1" {
		time.Sleep(10 * time.Millisecond)
	}
	a := f.plan(restore.Swap).Assessment
	tries := created() - before
	db.Exec(t, "", "KILL "+id)
	<-ended
	for say("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = "+id, 0) != "0" {
		time.Sleep(10 * time.Millisecond)
	}
	named := fmt.Sprintf("session %s of ", id)
	switch found := frozen(a); {
	case !a.Frozen || len(found) != 1:
		t.Errorf("the lock is told as %+v (%v)", found, a.Frozen)
	case found[0].State != ops.StateCritical || !found[0].Blocks ||
		!strings.Contains(found[0].What.Msg.String(), named):
		t.Errorf("it does not block, or does not name %q: %+v", named, found[0])
	}
	if tries != 1 {
		t.Errorf("%d databases were to be created, want 1", tries)
	}
	if a := f.plan(restore.Swap).Assessment; a.Frozen || len(frozen(a)) > 0 {
		t.Errorf("the lock is gone, and it says %+v", frozen(a))
	}
	before = created()
	db.Exec(t, "", "SET GLOBAL read_only = ON")
	a = f.plan(restore.Swap).Assessment
	db.Exec(t, "", "SET GLOBAL read_only = OFF")
	if after := created(); after != before || !a.Server.ReadOnly {
		t.Errorf("on a read-only server %d databases were to be created", after-before)
	}
	if n := say("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%probe%'", 0); n != "0" {
		t.Errorf("%s schemas of trials are left", n)
	}
}
