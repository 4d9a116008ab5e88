package replay

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
)

// A rows event that is too long for one BINLOG statement is replayed all the same: by
// fragments on MariaDB, as statements on MySQL. Where no statement is short enough, or
// statements would fire triggers, the plan is refused.
func TestARowsEventLongerThanThePacket(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, b LONGBLOB, l LONGTEXT CHARACTER SET latin1)",
			"CREATE TABLE k (b LONGBLOB, l LONGTEXT)")
		var was int64
		if err := s.Open(t, "").QueryRow("SELECT @@GLOBAL.max_allowed_packet").Scan(&was); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Exec(t, "", fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", was)) })
		w.work(t, "INSERT INTO a VALUES (1, REPEAT(0x00FF27, 320000), REPEAT(0xE9, 100))", "INSERT INTO a VALUES (2, 'x', 'y')",
			"UPDATE a SET l = REPEAT(0xE9, 900000) WHERE id = 1", "INSERT INTO a VALUES (3, REPEAT(0x00FF27, 320000), '')",
			"DELETE FROM a WHERE id = 3", "INSERT INTO k VALUES (REPEAT(0x00FF27, 320000), REPEAT('é', 100))",
			"UPDATE k SET l = 'z'", "INSERT INTO a VALUES (4, 'x', 'y')")
		s.Exec(t, "", "SET GLOBAL max_allowed_packet = 1048576")
		run := w.log(t)
		at := now(t, s).Position
		q := w.question(run, binlog.Moment{Position: &at})
		q.server = serverOf(t, s)
		f, err := Look(t.Context(), q)
		if err != nil || f.Long.Bytes < 1920000 || f.Long.Value != 960000 {
			t.Fatalf("%+v %v", f.Long, err)
		}
		target := target(s)
		if err := f.Long.fits(t.Context(), target, q, f, true); err != nil {
			t.Fatalf("plan: %v", err)
		}
		w.prepare(t, run)
		if _, err = w.run(t.Context(), t, run, f); err != nil {
			t.Fatalf("run: %v", err)
		}
		w.same(t)

		long := Long{ID: "0-1-7", Table: "a", Bytes: 2200000, Value: 1100000}
		for _, triggers := range []bool{false, true} {
			refused := long.fits(t.Context(), target, q, &Forecast{Triggers: triggers}, true)
			var said *ops.Error
			if !errors.As(refused, &said) || !strings.Contains(said.What.String(), "table a in transaction 0-1-7") ||
				!strings.Contains(said.Hint.String(), "SET GLOBAL max_allowed_packet = 16777216") {
				t.Errorf("triggers %v: %v", triggers, refused)
			}
			long.Value = 1000
		}
	})
}

// serverOf is what a new session is told of the server.
func serverOf(t *testing.T, s *testdb.Server) (of server) {
	t.Helper()
	c, err := s.Open(t, "").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := of.ask(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return of
}
