package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// refusedWith expects the forecast, and a replay without a forecast, to refuse the log;
// another database's may pass.
func (w *world) refusedWith(t *testing.T, why string) {
	t.Helper()
	run := w.log(t)
	end := run.End().Position
	f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Refused) != 1 || !strings.Contains(f.Refused[0].Why.String(), why) {
		t.Errorf("the forecast: %+v", f.Refused)
	}
	w.prepare(t, run)
	if _, err := w.run(t.Context(), t, run, f); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("the replay: %v", err)
	}
}

// LOAD DATA in statement format is refused and its text is shown; in row format its rows
// are replayed.
func TestALoadOfAFileOnARealServer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		file := filepath.Join(t.TempDir(), "rows")
		if err := os.WriteFile(file, []byte("1\t2\n3\t4\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		load := fmt.Sprintf("LOAD DATA INFILE '%s' INTO TABLE a", file)
		t.Run("rows", func(t *testing.T) {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
			w.work(t, load)
			_, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
			w.same(t)
			if state.Rows["a"] != 2 {
				t.Errorf("%d rows", state.Rows["a"])
			}
		})
		t.Run("statement", func(t *testing.T) {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
			w.work(t, "SET SESSION binlog_format=STATEMENT", load)
			w.refusedWith(t, "LOAD DATA in statement format is not replayed: LOAD DATA")
		})
	})
}

// A server that could not log its changes writes an incident event: a replay stops there.
func TestALogThatLostEventsIsNotReplayed(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour, "--max-binlog-stmt-cache-size=4096", "--binlog-stmt-cache-size=4096")
			w := newWorld(t, s, "CREATE TABLE old (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT) ENGINE=MyISAM")
			w.work(t, "SET SESSION binlog_format=ROW")
			if _, err := w.conn.ExecContext(t.Context(),
				"INSERT INTO old (v) VALUES (REPEAT('x', 1000)), (REPEAT('y', 900000))"); err == nil {
				t.Fatal("all of it was logged")
			}
			w.refusedWith(t, "lost events")
		})
	}
}
