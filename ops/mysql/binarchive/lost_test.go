package binarchive

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// inserted counts the rows of a table in the archive, by the indexes alone.
func inserted(t *testing.T, o Options, db string) (n int) {
	t.Helper()
	for _, seg := range segments(t, o) {
		r, err := o.Folder.Open(seg, o.Keys)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Frames() {
			for _, c := range f.Tables {
				if c.Schema == db {
					n += int(c.Inserted)
				}
			}
		}
		r.Close()
	}
	return n
}

// reaches waits until the archive holds a position.
func reaches(t *testing.T, o Options, at binlog.Position) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		ids, err := o.Folder.Servers()
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 0 && slices.ContainsFunc(segments(t, o), func(s *binlog.Segment) bool {
			return s.File == at.File && s.ToPos >= at.Pos
		}) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the follower does not keep up")
		}
	}
}

// TestBothKilledLoseNoMoreThanTheLastMoment kills the server and the follower with -9 while a
// client writes, as a machine that dies does. What the archive had said to hold is there without
// the server, and the rows that were acknowledged and are not in it are those of the last
// moment, which is logged; with the server's disk back, all of them come.
func TestBothKilledLoseNoMoreThanTheLastMoment(t *testing.T) {
	testdbEach(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY)", "SET GLOBAL binlog_format = 'ROW'") // MariaDB logs statements
		asked, err := json.Marshal(followed{o.Target.Network, o.Target.Addr, o.Target.User, o.Target.Password,
			o.Folder.Dir})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), followEnv+"="+string(asked))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var acked []time.Time
		var write sync.WaitGroup
		before := make(chan struct{})
		write.Go(func() { // one transaction a row, until the server is gone
			pool := s.Open(t, db)
			for {
				if _, err := pool.Exec(fmt.Sprintf("INSERT INTO a VALUES (%d)", len(acked))); err != nil {
					return
				}
				if acked = append(acked, time.Now()); len(acked) == 200 {
					close(before)
				}
			}
		})
		<-before
		now, err := format.Ask(t.Context(), o.Target)
		if err != nil {
			t.Fatal(err)
		}
		reaches(t, o, binlog.Position{File: now.Now.File, Pos: now.Now.Pos})
		cmd.Process.Kill()
		s.Kill()
		died := time.Now()
		<-ended
		write.Wait()
		held := inserted(t, o, db)
		if held < 200 || held > len(acked)+1 {
			t.Errorf("%d rows in the archive; 200 were archived before the end, %d acknowledged", held, len(acked))
		}
		lost := 0
		for _, at := range acked[min(held, len(acked)):] {
			if lost++; lost == 1 {
				t.Logf("acknowledged, not archived: the last %v", died.Sub(at))
			}
		}
		t.Logf("%s: %d rows acknowledged, %d lost without the server's disk", s.Flavour, len(acked), lost)
		s.Start(t)
		fetchWhole(t, s, o)
		if held := inserted(t, o, db); held < len(acked) {
			t.Errorf("%d rows in the archive of %d, with the server's disk back", held, len(acked))
		}
	})
}
