package binarchive

import (
	"bytes"
	"fmt"
	"testing"
	"time"

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
			second := fmt.Sprintf("SET timestamp = %d", time.Now().Unix()) // also of the log's first event
			s.Exec(t, db, second, reset, "INSERT INTO t VALUES ('one')")
			fetch(t, o)
			first := newest(t, o)
			s.Exec(t, db, second, reset, "INSERT INTO t VALUES ('two')", "INSERT INTO t VALUES ('three')")
			if h, err := headOf(t.Context(), o.Target, first.File); err != nil || h.identity != first.Identity {
				t.Fatalf("the resets are not of one second: %v", err)
			}
			if same, err := sameFile(t.Context(), o.Target, first); same || err != nil {
				t.Errorf("taken for the same file: %v, %v", same, err)
			}
			before := len(segments(t, o))
			r := fetch(t, o)
			all := segments(t, o)
			last := newest(t, o)
			if len(r.Gaps) != 1 || r.Gaps[0].Reason != binlog.Reset || len(all) != before+1 ||
				last.Epoch != first.Epoch+1 {
				t.Errorf("gaps %+v, %d files after %d", r.Gaps, len(all), before)
			}
			if same, err := sameFile(t.Context(), o.Target, last); !same || err != nil {
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

func newest(t *testing.T, o Options) *binlog.Segment {
	t.Helper()
	all := segments(t, o)
	return all[len(all)-1]
}
