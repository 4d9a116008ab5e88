package replay

import (
	"errors"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// A replay that finds another number of transactions than was forecast fails, also one that
// is kept open for a standby; with the right number it does not.
func TestAReplayOfAnotherCountFails(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, a INT)")
		w.work(t, "INSERT INTO items (a) VALUES (1)", "INSERT INTO items (a) VALUES (2)")
		run := w.log(t)
		end := run.End().Position
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
		if err != nil {
			t.Fatal(err)
		}
		if f.Transactions != 2 {
			t.Fatalf("%d transactions were forecast", f.Transactions)
		}
		for _, keep := range []bool{true, false} {
			for _, more := range []int64{-1, 1, 0} {
				w.prepare(t, run)
				s.Exec(t, w.shadow, "TRUNCATE items")
				job := Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Keep: keep}
				job.Total = f.Transactions + more
				state, err := Run(t.Context(), s.Open(t, ""), job)
				if errors.Is(err, ErrUnplanned) != (more != 0) || more == 0 && (err != nil || state.Transactions != 2) {
					t.Errorf("kept %t, %d expected: %d transactions, %v", keep, job.Total, state.Transactions, err)
				}
				s.Exec(t, w.shadow, "DROP TABLE "+Table)
			}
		}
	})
}
