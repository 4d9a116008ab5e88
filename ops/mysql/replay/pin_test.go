package replay

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
)

// TestAFailedWindowNamesItsFirstTransaction has a copy on which several transactions of one
// window fail, in several parts of it: the first of them is named, and the restore to before
// it succeeds on the same copy.
func TestAFailedWindowNamesItsFirstTransaction(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		setup := append(joinedTables[:len(joinedTables):len(joinedTables)], "INSERT INTO keyless VALUES (100, 'z')")
		w := newWorld(t, s, setup...)
		var work []string
		for n := 1; n <= 12; n++ {
			work = append(work, fmt.Sprintf("INSERT INTO plain (v) VALUES (%d), (%d)", n, n),
				fmt.Sprintf("INSERT INTO keyless VALUES (%d, 'k')", n),
				fmt.Sprintf("UPDATE plain SET v = v + 1 WHERE id = %d", n))
		}
		w.work(t, append(work, "UPDATE keyless SET b = 'u' WHERE a = 100")...)
		all := groups(t, w)
		run := w.log(t)
		end := run.End().Position
		for _, c := range []struct {
			spoil, on string
			error     uint16
			first     int   // of 37 transactions, the first that fails
			rows      int64 // that plain has before it
		}{
			{"INSERT INTO plain VALUES (23, 0, ''), (15, 0, ''), (17, 0, '')", "plain", 1062, 21, 14},
			{"INSERT INTO plain VALUES (1, 0, '')", "plain", 1062, 0, 0},
			{"DELETE FROM keyless WHERE a = 100", "keyless", 1032, 36, 24},
		} {
			w.afresh(t, setup)
			w.limits = &limits{bytes: 1 << 20, rows: 1 << 20, parted: 1, divided: 1, lanes: 3}
			f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
			if err != nil {
				t.Fatal(err)
			}
			w.prepare(t, run)
			s.Exec(t, w.shadow, c.spoil)
			_, err = w.run(t.Context(), t, run, f)
			var told *ops.Error
			if !errors.As(err, &told) || mysql.Number(err) != c.error {
				t.Fatalf("%s: %v", c.spoil, err)
			}
			id := all[c.first].ID()
			what, hint := told.What.String(), told.Hint.String()
			if !strings.Contains(what, " at transaction "+id+" of the binlog, in rows of the table "+c.on) ||
				!strings.HasSuffix(hint, "opsdeck restore --before "+id+" --plan") {
				t.Errorf("%s: %s; %s, not of %s", c.spoil, what, hint, id)
			}
			w.afresh(t, setup)
			f, err = Look(t.Context(), w.question(run, binlog.Moment{Before: id}))
			if err != nil {
				t.Fatal(err)
			}
			w.prepare(t, run)
			s.Exec(t, w.shadow, c.spoil)
			if state, err := w.run(t.Context(), t, run, f); err != nil || state.Rows["plain"] != c.rows {
				t.Errorf("before it: %+v, %v", state, err)
			}
		}
	})
}
