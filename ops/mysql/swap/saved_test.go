package swap_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore/run"
)

func (w *watched) saved() run.WriteMark {
	w.t.Helper()
	mark, err := w.server.Writes.MarkSaved(context.Background(), w.plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return mark
}

func (w *watched) sinceSaved(mark run.WriteMark) run.Writes {
	w.t.Helper()
	got, err := w.server.Writes.SinceSaved(context.Background(), w.plan, run.Folder{Path: w.t.TempDir()}, mark)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// load fills another database as a restore fills its shadow: with more events than the log is
// searched for.
func (w *watched) load() {
	w.t.Helper()
	w.db.Exec(w.t, w.other, "CREATE TABLE filler (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200))",
		"INSERT INTO filler (v) VALUES (REPEAT('x', 200))")
	for range 12 {
		w.db.Exec(w.t, w.other, "INSERT INTO filler (v) SELECT v FROM filler")
	}
}

// A write after the emergency backup is found whatever the load has written meanwhile, and
// the load alone is none.
func TestWritesSinceTheEmergencyBackupAreFoundBesideALoad(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		w := watch(t, db)
		db.Exec(t, w.live, "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO old VALUES (1)")
		mark := w.saved()
		w.load()
		if got := w.sinceSaved(mark); got.Live || got.Untold || got.Blind {
			t.Fatalf("of a load alone it says %+v", got)
		}
		for _, table := range []string{"orders", "old"} {
			mark := w.saved()
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // a file's time is in seconds
			db.Exec(t, w.live, fmt.Sprintf("UPDATE %s SET id = -id WHERE id = (SELECT x FROM (SELECT MAX(id) x FROM %s) m)", table, table))
			if got := w.sinceSaved(mark); !got.Live {
				t.Errorf("a row of %s was written, and it says %+v", table, got)
			}
		}
	})
}

// A restart resets what the server counts: the log decides, and where it is too long, that is
// said.
func TestARestartOfTheServerHidesNoWrite(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			db := testdb.Private(t, flavour)
			planWhileNothingCanBeCreated(t, db)
			w := watch(t, db)
			mark := w.saved()
			again := func() {
				db.Stop(t)
				time.Sleep(4 * time.Second) // the start is known to the second
				db.Start(t)
			}
			again()
			if got := w.sinceSaved(mark); got.Live || got.Untold {
				t.Fatalf("of a restart alone it says %+v", got)
			}
			w.load()
			db.Exec(t, w.live, "INSERT INTO log (text) VALUES ('late')")
			again()
			if got := w.sinceSaved(mark); !got.Live && !got.Untold {
				t.Errorf("a row was deleted, and it says %+v", got)
			}
		})
	}
}

// Where nothing tells of a write, that is said, and is not taken for silence.
func TestAServerThatCountsNothingIsBlind(t *testing.T) {
	t.Parallel()
	db := testdb.Private(t, "mariadb", "--skip-log-bin")
	w := watch(t, db)
	db.Exec(t, w.live, "CREATE TABLE scratch (id INT) ENGINE=MEMORY")
	if got := w.sinceSaved(w.saved()); !got.Blind || len(got.Notes) == 0 {
		t.Errorf("it says %+v", got)
	}
}
