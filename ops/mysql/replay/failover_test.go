package replay

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/restore"
)

// After a failover the new server has files of the same names, and the backup's position
// refers to another point there. The replay continues with the old server's archive up to
// its end; what follows is refused by name, or proved by GTIDs if they identify servers.
func TestAMomentAcrossAFailover(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			extra := []string{"--gtid-mode=ON", "--enforce-gtid-consistency=ON"}
			if flavour == "mariadb" {
				extra = []string{"--log-slave-updates"}
			}
			old := testdb.Private(t, flavour, extra...)
			old.Exec(t, "", "CREATE DATABASE pad", "CREATE TABLE pad.a (i INT)", "DROP DATABASE pad")
			now1 := old.Replica(t, extra...) // binlog positions differ from here on
			w := newWorld(t, old, "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(200))", "INSERT INTO a VALUES (1, 'one')")
			w.work(t, "INSERT INTO a VALUES (2, 'two')", "UPDATE a SET v = 'ONE' WHERE id = 1")
			folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
			if _, err := binarchive.Run(t.Context(), binarchive.Options{Target: target(old), Folder: folder,
				Who: lock.Holder{What: "a test"}}); err != nil {
				t.Fatal(err)
			}
			now1.Await(t, "SELECT v FROM "+w.live+".a WHERE id = 1", "ONE")
			old.Kill()
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // MariaDB's times are whole seconds
			now1.Exec(t, w.live, "SET SESSION binlog_format=ROW", "INSERT INTO a VALUES (3, REPEAT('x', 200)), (4, REPEAT('y', 200)), "+
				"(5, REPEAT('z', 200)), (6, REPEAT('z', 200))")
			open := func(f binarchive.Folder) *changes.Source {
				src, err := changes.Open(t.Context(), f, nil, target(now1))
				if err != nil || src.LiveErr != nil {
					t.Fatal(err, src.LiveErr)
				}
				t.Cleanup(func() { src.Close() })
				return src
			}
			src := open(folder)
			run, err := src.From(w.live, []binlog.BackupPosition{w.stand})
			if err != nil {
				t.Fatal(err)
			}
			if run.Live || run.Beyond == nil || run.From.Pos != w.stand.Pos {
				t.Fatalf("the run is %+v, it should be the old server's", run)
			}
			end := run.End().Position
			f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
			if err != nil || f.Transactions != 2 || f.Rows["a"] != 2 {
				t.Errorf("up to the seam: %v %+v", err, f)
			}
			late := binlog.Moment{Time: time.Now().Add(30 * time.Second)}
			if _, err = Look(t.Context(), w.question(run, late)); !errors.Is(err, ErrNotReached) {
				t.Errorf("beyond the seam: %v", err)
			}
			if said := notReached(late, restore.Source{}, run).Error(); !strings.Contains(said, run.Beyond.Server) {
				t.Errorf("the other server is not named: %s", said)
			}
			// A position that is a transaction boundary on the new server, too.
			from := &world{s: now1, stand: now(t, now1)}
			from.stand.Position = binlog.Position{File: w.stand.File, Pos: 4}
			from.stand.From, from.stand.GTID = time.Time{}, ""
			for _, g := range groups(t, from) {
				other := w.stand
				other.Pos = g.End
				got, err := open(binarchive.Folder{Dir: t.TempDir()}).From(w.live, []binlog.BackupPosition{other})
				if err != nil || got.From.Pos != g.End || g.GTID.ID == w.stand.GTID {
					continue
				}
				if flavour == "mariadb" {
					t.Errorf("the backup is said to be at %d of the new server, after %s, not %s", g.End, g.GTID.ID,
						w.stand.GTID)
				}
				f, err := Look(t.Context(), w.question(got, binlog.Moment{Time: time.Now()}))
				if err != nil || f.Rows["a"] != 6 {
					t.Errorf("from %d of the new server: %v %+v", g.End, err, f)
				}
			}
			// Without the archive of the old server.
			alone, err := open(binarchive.Folder{Dir: t.TempDir()}).From(w.live, []binlog.BackupPosition{w.stand})
			if flavour == "mariadb" {
				if !errors.Is(err, changes.ErrNoStart) {
					t.Errorf("another server's file was taken: %v %+v", err, alone)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f, err = Look(t.Context(), w.question(alone, binlog.Moment{Time: time.Now()}))
			if err != nil || f.Rows["a"] != 6 {
				t.Errorf("by GTIDs alone: %v %+v", err, f)
			}
		})
	}
}
