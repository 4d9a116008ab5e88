package binarchive

import (
	"bytes"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// TestTwoLogsOfOneSecondAreToldApart: a server that is reset twice within one second has two
// files of the same name, size and first event.
func TestTwoLogsOfOneSecondAreToldApart(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour)
			reset := "RESET MASTER"
			if flavour == "mysql" {
				reset = "RESET BINARY LOGS AND GTIDS"
			}
			db := s.Schema(t)
			s.Exec(t, db, "CREATE TABLE t (v VARCHAR(20))")
			o := optionsFor(t, s)
			var first *binlog.Segment
			for range 20 { // until both resets fall into one second
				s.Exec(t, db, reset, "INSERT INTO t VALUES ('one')")
				fetch(t, o)
				all := segments(t, o)
				first = all[len(all)-1]
				s.Exec(t, db, reset, "INSERT INTO t VALUES ('two')", "INSERT INTO t VALUES ('three')")
				if h, err := headOf(t.Context(), o.Target, first.File); err != nil {
					t.Fatal(err)
				} else if h.identity == first.Identity {
					break
				}
				first = nil
			}
			if first == nil {
				t.Fatal("the resets never fell into one second")
			}
			if same, err := SameFile(t.Context(), o.Target, first); same || err != nil {
				t.Errorf("taken for the same file: %v, %v", same, err)
			}
			before := len(segments(t, o))
			r := fetch(t, o)
			all := segments(t, o)
			last := all[len(all)-1]
			if len(r.Gaps) != 1 || r.Gaps[0].Reason != binlog.Reset || len(all) != before+1 ||
				last.Epoch != first.Epoch+1 {
				t.Errorf("gaps %+v, %d files after %d", r.Gaps, len(all), before)
			}
			if same, err := SameFile(t.Context(), o.Target, last); !same || err != nil {
				t.Errorf("its own file is not the same: %v, %v", same, err)
			}
			if r = fetch(t, o); len(r.Gaps) != 0 || len(segments(t, o)) != before+1 {
				t.Errorf("a further fetch finds %+v", r.Gaps)
			}
			if got, want := unpacked(t, o, last), onDisk(t, s, last.File); !bytes.Equal(got, want) {
				t.Errorf("%d bytes in the archive, %d on the server, or others", len(got), len(want))
			}
		})
	}
}
