package checksum

import (
	"fmt"

	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func TestSumsDoNotCareForOrderButForDoubles(t *testing.T) {
	sum := func(rows ...string) (s Sum) {
		for _, r := range rows {
			s.Add(Row([]byte(r)))
		}
		return s
	}
	if sum("a", "b", "c") != sum("c", "a", "b") {
		t.Error("another order gave another sum")
	}
	for _, other := range [][]string{{"a", "b"}, {"a", "b", "c", "c"}, {"a", "b", "d"}, {"ab", "c"}, {"a", "a"}, {}} {
		if sum("a", "b", "c") == sum(other...) {
			t.Errorf("%q has the sum of a, b, c", other)
		}
	}
	most := Sum{^uint64(0), ^uint64(0)}
	most.Add(Sum{0, 1})
	if most != (Sum{}) {
		t.Error("the sum is not modulo 2^128")
	}
}

// A manifest's sums must mean the same in years: these never change.
func TestRowHashIsFixed(t *testing.T) {
	for text, want := range map[string]string{
		"":             "99aa06d3014798d86001c324468d497f",
		"\x011\x03abc": "3d5f1a93fe42defa2314b59f71742d32",
	} {
		if got := Row([]byte(text)).String(); got != want {
			t.Errorf("hash of %q is %s, want %s", text, got, want)
		}
	}
}

// Tables that print alike but are not the same must not have one sum.
func TestTablesThatOnlyLookAlikeDiffer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		contents := []string{
			"('a','b')",
			"('ab','')",
			"('a',NULL)",
			"('',NULL)",
			"(NULL,'')",
			"('','')",
			"(NULL,NULL)",
			"('a','b'),('a','b')",
		}
		for i, c := range contents {
			s.Exec(
				t,
				db,
				fmt.Sprintf("CREATE TABLE t%d (a VARCHAR(9), b VARCHAR(9))", i),
				fmt.Sprintf("INSERT INTO t%d VALUES %s", i, c),
			)
		}
		pool, err := rowread.Open(
			t.Context(),
			mysql.Target{Network: "unix", Addr: filepath.Clean(s.Socket), User: s.User, Password: s.Password},
			db,
		)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		c, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := Session(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		tables, err := schema.Tables(t.Context(), c, db)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[Sum]string{}
		for i, table := range tables {
			_, sum, err := Table(t.Context(), c, table, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			if other, ok := seen[sum]; ok {
				t.Errorf("%s and %s have one sum", contents[i], other)
			}
			seen[sum] = contents[i]
		}
	})
}
