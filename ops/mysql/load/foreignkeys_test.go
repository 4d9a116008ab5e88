package load_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
)

// TestForeignKeysAreJudgedByOneCheck: a row without its parent is a fault, and a
// remark in a faithful copy; half a key is none, and a table that was not loaded is
// only missing where all should be there.
func TestForeignKeysAreJudgedByOneCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		in := srv.Schema(t)
		srv.Exec(t, in,
			"CREATE TABLE p (a INT, b VARCHAR(9), PRIMARY KEY (a, b))",
			"CREATE TABLE `c``h` (id INT PRIMARY KEY, a INT, b VARCHAR(9), CONSTRAINT two FOREIGN KEY (a, b) REFERENCES p (a, b))",
			"CREATE TABLE self (id INT PRIMARY KEY, up INT, CONSTRAINT up FOREIGN KEY (up) REFERENCES self (id))",
			"INSERT INTO p VALUES (1, '甲')", "INSERT INTO `c``h` VALUES (1, 1, '甲'), (2, NULL, '乙'), (3, 7, NULL)",
			"INSERT INTO self VALUES (1, NULL), (2, 1)",
		)
		check := func(faithful bool, only ...string) (faults, remarks []string) {
			t.Helper()
			c := load.KeyCheck{Schema: in, Faithful: faithful, Tables: only}
			bad, said, err := load.CheckForeignKeys(context.Background(), srv.Open(t, in), c)
			if err != nil {
				t.Fatal(err)
			}
			return words(bad), words(said)
		}
		if faults, remarks := check(false); len(faults)+len(remarks) > 0 {
			t.Errorf("whole: %q, %q", faults, remarks)
		}
		srv.Exec(t, in, "SET foreign_key_checks = 0; INSERT INTO `c``h` VALUES (4, 1, '乙'), (5, 2, '甲'); "+
			"UPDATE self SET up = 9 WHERE id = 2")
		want := []string{"c`h has 2 rows without a matching row in p (foreign key two)",
			"self has 1 row without a matching row in self (foreign key up)"}
		if faults, remarks := check(false); !slices.Equal(faults, want) || len(remarks) > 0 {
			t.Errorf("dangling: %q, %q", faults, remarks)
		}
		for i := range want {
			want[i] += ", as in the backup"
		}
		if faults, remarks := check(true); !slices.Equal(remarks, want) || len(faults) > 0 {
			t.Errorf("dangling in a faithful copy: %q, %q", faults, remarks)
		}
		heldKeys(t, srv, in, want)
		srv.Exec(t, in, "DROP TABLE self", "SET foreign_key_checks = 0; DROP TABLE p")
		gone := []string{"the foreign key two of c`h refers to a table that is missing: p"}
		if faults, _ := check(false); !slices.Equal(faults, gone) {
			t.Errorf("without the parent: %q", faults)
		}
		if faults, remarks := check(false, "c`h"); len(faults)+len(remarks) > 0 {
			t.Errorf("a table by itself: %q, %q", faults, remarks)
		}
	})
}

// heldKeys: of a dump without manifest the rows are as in the dump where both tables
// have its rows. A row of the parent that the load lost is a fault.
func heldKeys(t *testing.T, srv *testdb.Server, in string, want []string) {
	t.Helper()
	ctx, db := context.Background(), srv.Open(t, in)
	check := func(parents int64) (faults, remarks []string) {
		t.Helper()
		held := []backup.DumpTable{{Name: "p", Rows: parents}, {Name: "c`h", Rows: 5}, {Name: "self", Rows: 2}}
		counted, err := load.CompareHeld(ctx, db, in, held, nil)
		if err != nil {
			t.Fatal(err)
		}
		bad, said, err := load.CheckForeignKeys(ctx, db, load.KeyCheck{Schema: in, Held: counted})
		if err != nil {
			t.Fatal(err)
		}
		return words(bad), words(said)
	}
	if faults, remarks := check(1); !slices.Equal(remarks, want) || len(faults) > 0 {
		t.Errorf("as the dump: %q, %q", faults, remarks)
	}
	if faults, remarks := check(2); len(faults) != 1 || !slices.Equal(remarks, want[1:]) {
		t.Errorf("a parent was lost: %q, %q", faults, remarks)
	}
	logged := load.KeyCheck{Schema: in, Logged: true}
	faults := map[string]int{backup.Same: 0, backup.Unchecked: 0, backup.Differs: 2, backup.Missing: 2}
	for state, wrong := range faults {
		logged.Held = nil
		for _, name := range []string{"p", "c`h", "self"} {
			logged.Held = append(logged.Held, backup.TableVerdict{Name: name, State: state})
		}
		bad, said, err := load.CheckForeignKeys(ctx, db, logged)
		if err != nil || len(bad) != wrong || len(said) != 2-wrong {
			t.Errorf("after a replay, %s: %q, %q, %v", state, words(bad), words(said), err)
		}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := load.KeyCheck{Schema: in, Faithful: true, Within: time.Nanosecond}
	_, said, err := load.CheckForeignKeys(ctx, conn, c)
	if err != nil || len(said) != 1 || !strings.Contains(words(said)[0], "2 of 2") {
		t.Errorf("out of time: %q, %v", words(said), err)
	}
	c.Within = time.Hour
	if _, said, err := load.CheckForeignKeys(ctx, conn, c); err != nil || !slices.Equal(words(said), want) {
		t.Errorf("in time: %q, %v", words(said), err)
	}
}

func words(all []lang.Msg) (out []string) {
	for _, m := range all {
		out = append(out, m.String())
	}
	return out
}
