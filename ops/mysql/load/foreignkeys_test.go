package load_test

import (
	"context"
	"slices"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
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
		check := func(faithful, some bool) (faults, remarks []string) {
			t.Helper()
			c := load.KeyCheck{Schema: in, Faithful: faithful, Some: some}
			bad, said, err := load.CheckForeignKeys(context.Background(), srv.Open(t, in), c)
			if err != nil {
				t.Fatal(err)
			}
			return words(bad), words(said)
		}
		if faults, remarks := check(false, false); len(faults)+len(remarks) > 0 {
			t.Errorf("whole: %q, %q", faults, remarks)
		}
		srv.Exec(t, in, "SET foreign_key_checks = 0; INSERT INTO `c``h` VALUES (4, 1, '乙'), (5, 2, '甲'); "+
			"UPDATE self SET up = 9 WHERE id = 2")
		want := []string{"c`h has 2 rows without a matching row in p (foreign key two)",
			"self has 1 row without a matching row in self (foreign key up)"}
		if faults, remarks := check(false, false); !slices.Equal(faults, want) || len(remarks) > 0 {
			t.Errorf("dangling: %q, %q", faults, remarks)
		}
		for i := range want {
			want[i] += ", as in the backup"
		}
		if faults, remarks := check(true, false); !slices.Equal(remarks, want) || len(faults) > 0 {
			t.Errorf("dangling in a faithful copy: %q, %q", faults, remarks)
		}
		srv.Exec(t, in, "DROP TABLE self", "SET foreign_key_checks = 0; DROP TABLE p")
		gone := []string{"the foreign key two of c`h refers to a table that is missing: p"}
		if faults, _ := check(false, false); !slices.Equal(faults, gone) {
			t.Errorf("without the parent: %q", faults)
		}
		if faults, remarks := check(false, true); len(faults)+len(remarks) > 0 {
			t.Errorf("a table by itself: %q, %q", faults, remarks)
		}
	})
}

func words(all []lang.Msg) (out []string) {
	for _, m := range all {
		out = append(out, m.String())
	}
	return out
}
