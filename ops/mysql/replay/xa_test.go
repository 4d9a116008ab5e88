package replay

import (
	"slices"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// Nothing of an XA transaction is replayed before its commit, and nothing of one that was
// rolled back, in each format of the log; one that was committed is replayed once.
func TestOnlyCommittedXAIsReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, mode := range []string{"STATEMENT", "MIXED", "ROW"} {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", "INSERT INTO a VALUES (1, 1)")
			first := func(id string) {
				w.work(t, "XA START '"+id+"'", "INSERT INTO a (v) VALUES (60)", "UPDATE a SET v = v + 1", "XA END '"+id+"'")
			}
			w.work(t, "SET SESSION binlog_format="+mode)
			first("back")
			w.work(t, "XA PREPARE 'back'", "XA ROLLBACK 'back'", "INSERT INTO a (v) VALUES (2)")
			first("once")
			w.work(t, "XA COMMIT 'once' ONE PHASE", "UPDATE a SET v = v * 2")
			first("twice")
			w.work(t, "XA PREPARE 'twice'")
			between := now2(t, s).Position
			w.work(t, "XA COMMIT 'twice'", "UPDATE a SET v = v + 5")
			run := w.log(t)
			w.replay(t, run, binlog.Moment{Position: &between})
			if got := w.values(t, w.shadow); !slices.Equal(got, []int{4, 6, 122}) {
				t.Errorf("%s: before the commit %v", mode, got)
			}
			s.Exec(t, w.shadow, "DROP TABLE "+Table, "TRUNCATE a", "INSERT INTO a VALUES (1, 1)")
			end := run.End().Position
			w.replay(t, run, binlog.Moment{Position: &end})
			if got, want := w.values(t, w.shadow), w.values(t, w.live); !slices.Equal(got, want) || len(want) != 4 {
				t.Errorf("%s: %v, live %v", mode, got, want)
			}
		}
	})
}

// values are the values of a table's rows, in order.
func (w *world) values(t *testing.T, schema string) (all []int) {
	t.Helper()
	rows, err := w.s.Open(t, schema).Query("SELECT v FROM a ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v int
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}
