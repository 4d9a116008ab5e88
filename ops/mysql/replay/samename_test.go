package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
)

// resetLog resets the server's log, so file names are reused.
func resetLog(t *testing.T, s *testdb.Server) {
	t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // the log starts in whole seconds
	statement := "RESET BINARY LOGS AND GTIDS"
	if s.Flavour == "mariadb" {
		statement = "RESET MASTER"
	}
	s.Exec(t, "", statement)
}

// archiveOf archives a server's whole log.
func archiveOf(t *testing.T, s *testdb.Server) binarchive.Folder {
	t.Helper()
	folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
	_, err := binarchive.Run(t.Context(), binarchive.Options{Target: target(s), Folder: folder,
		Who: lock.Holder{What: "a test"}})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// startOf is the log that follows a backup position, from an archive and a server.
func startOf(t *testing.T, s *testdb.Server, f binarchive.Folder, stand binlog.BackupPosition) (*changes.Run, error) {
	t.Helper()
	src, err := changes.Open(t.Context(), f, nil, target(s))
	if err != nil || src.LiveErr != nil {
		t.Fatal(err, src.LiveErr)
	}
	t.Cleanup(func() { src.Close() })
	return src.From("", []binlog.BackupPosition{stand})
}

// A file with the name in the backup's position belongs to another server, or was created
// by a reset: no position in it is accepted, even at a transaction boundary. Without GTIDs
// only the server's name and the times can tell.
func TestAnotherLogOfTheSameName(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			var extra []string
			if flavour == "mysql" {
				extra = []string{"--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"}
			}
			a := testdb.Private(t, flavour, extra...)
			resetLog(t, a)
			w := newWorld(t, a, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
			old := w.stand // as an early manifest records it
			old.Server = ""
			w.work(t, "INSERT INTO a VALUES (2)", "INSERT INTO a VALUES (3)")
			archive := archiveOf(t, a)
			none := binarchive.Folder{Dir: t.TempDir()}
			for name, stand := range map[string]binlog.BackupPosition{"its own log": w.stand, "proved by times": old} {
				for where, f := range map[string]binarchive.Folder{"archive": archive, "server": none} {
					run, err := startOf(t, a, f, stand)
					if err != nil || run.From.Position != w.stand.Position || !run.Live {
						t.Errorf("%s, %s: %v %+v", name, where, err, run)
					}
				}
			}
			ahead, err := changes.LookAhead(t.Context(), none, target(a), w.live, []binlog.BackupPosition{w.stand})
			if err != nil || !ahead.Live {
				t.Errorf("the server goes on with the backup: %v %+v", err, ahead)
			}
			bare := old
			bare.From, bare.At = time.Time{}, time.Time{}
			if bare.GTID == "" {
				if run, err := startOf(t, a, none, bare); !errors.Is(err, changes.ErrNoStart) {
					t.Errorf("nothing proves it: %v %+v", err, run)
				}
			}
			early := old // between two transactions that both came later
			early.Pos = groups(t, w)[0].End
			early.GTID = ""
			early.From, early.At = early.From.Add(-time.Hour), early.At.Add(-time.Hour)
			if run, err := startOf(t, a, none, early); !errors.Is(err, changes.ErrNoStart) {
				t.Errorf("the times do not fit: %v %+v", err, run)
			}
			within := w.stand
			within.Pos++
			if run, err := startOf(t, a, none, within); !errors.Is(err, changes.ErrNoStart) {
				t.Errorf("inside a transaction: %v %+v", err, run)
			}
			resetLog(t, a)
			w.work(t, "INSERT INTO a VALUES (4)", "INSERT INTO a VALUES (5)", "INSERT INTO a VALUES (6)")
			refuseAll(t, "after a reset", a, w.stand)
			if run, err := startOf(t, a, archive, w.stand); err != nil || run.Live || run.Gap == nil {
				t.Errorf("the archive has the log from before the reset: %v %+v", err, run)
			} else {
				end := run.End().Position
				f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
				if err != nil || f.Transactions != 2 || f.Rows["a"] != 3 {
					t.Errorf("up to the reset: %v %+v", err, f)
				}
			}
			reset := "RESET BINARY LOGS AND GTIDS"
			if flavour == "mariadb" {
				reset = "RESET MASTER"
			}
			a.Exec(t, w.live, "SET SESSION timestamp = UNIX_TIMESTAMP('2030-01-01')", reset)
			w.work(t, "INSERT INTO a VALUES (14)", "INSERT INTO a VALUES (15)", "INSERT INTO a VALUES (16)")
			refuseAll(t, "after a reset under a later timestamp", a, w.stand)
			b := testdb.Private(t, flavour, extra...)
			resetLog(t, b)
			other := newWorld(t, b, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
			other.work(t, "INSERT INTO a VALUES (7)")
			refuseAll(t, "another server", b, w.stand)
			run, err := startOf(t, b, archive, w.stand)
			if err != nil || run.Live || run.From.Server != w.stand.Server {
				t.Errorf("the archive has the log of the first server: %v %+v", err, run)
			}
		})
	}
}

// refuseAll expects a refusal at every transaction boundary of a server's log.
func refuseAll(t *testing.T, what string, s *testdb.Server, stand binlog.BackupPosition) {
	t.Helper()
	begin := now(t, s)
	begin.Pos, begin.GTID, begin.From, begin.At = 4, "", time.Time{}, time.Time{}
	all := groups(t, &world{s: s, stand: begin})
	if len(all) < 3 {
		t.Fatalf("%s: %d transactions", what, len(all))
	}
	none := binarchive.Folder{Dir: t.TempDir()}
	for _, g := range all {
		for _, server := range []string{stand.Server, ""} {
			there := stand
			there.Server, there.Pos = server, g.End
			if run, err := startOf(t, s, none, there); !errors.Is(err, changes.ErrNoStart) {
				t.Errorf("%s, %q: the backup is said to be at %d: %v %+v", what, server, g.End, err, run)
			}
			ahead, err := changes.LookAhead(t.Context(), none, target(s), "", []binlog.BackupPosition{there})
			if !errors.Is(err, changes.ErrNoStart) {
				t.Errorf("%s, %q: the log is said to go on with the backup: %v %+v", what, server, err, ahead)
			}
		}
	}
}

// TestAServerPutBackToASnapshot archives a log, puts the server's data back, as a VM's
// snapshot does, and lets it go on otherwise: the two logs have one file's name and identity.
// A backup from before is rolled forward by the log that the server has.
func TestAServerPutBackToASnapshot(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour)
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(40))")
			s.Stop(t)
			snapshot := filepath.Join(t.TempDir(), "snapshot")
			if err := os.CopyFS(snapshot, os.DirFS(s.DataDir())); err != nil {
				t.Fatal(err)
			}
			s.Start(t)
			w.work(t, "INSERT INTO a VALUES (1, 'undone'), (2, 'undone')", "INSERT INTO a VALUES (3, REPEAT('u', 40))")
			folder := archiveOf(t, s)
			before, err := startOf(t, s, folder, w.stand)
			if err != nil {
				t.Fatal(err)
			}
			undone := before.End()
			s.Stop(t)
			if err := os.RemoveAll(s.DataDir()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(snapshot, s.DataDir()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // MariaDB's times are whole seconds
			s.Start(t)
			w.conn = nil
			for i := range 5 {
				w.work(t, fmt.Sprintf("INSERT INTO a VALUES (%d, 'kept')", 10+i))
			}
			options := binarchive.Options{Target: target(s), Folder: folder, Who: lock.Holder{What: "a test"}}
			if _, err := binarchive.Run(t.Context(), options); err != nil {
				t.Log(err) // the first run may only find that the log is another one
				if _, err := binarchive.Run(t.Context(), options); err != nil {
					t.Fatal(err)
				}
			}
			segments, err := folder.Segments(before.From.Server)
			if err != nil {
				t.Fatal(err)
			}
			if _, gaps := binlog.Spans(segments); len(gaps) != 1 || gaps[0].ToTime.Before(gaps[0].FromTime) {
				t.Errorf("gaps %+v", gaps)
			}
			run, err := startOf(t, s, folder, w.stand)
			if err != nil {
				t.Fatal(err)
			}
			if _, state := w.replay(t, run, binlog.Moment{Time: time.Now()}); state.Transactions != 5 {
				t.Errorf("%d transactions replayed", state.Transactions)
			}
			w.same(t)
			old, err := w.source(t, folder).At(undone, "")
			if err != nil || old.Gap == nil || old.End() != undone {
				t.Errorf("what was replayed up to %s goes on in another log: %v %+v", undone, err, old)
			}
		})
	}
}

// source is an archive and the server's log after it.
func (w *world) source(t *testing.T, f binarchive.Folder) *changes.Source {
	t.Helper()
	src, err := changes.Open(t.Context(), f, nil, target(w.s))
	if err != nil || src.LiveErr != nil {
		t.Fatal(err, src.LiveErr)
	}
	t.Cleanup(func() { src.Close() })
	return src
}
