package swap

import (
	"testing"

	"opsdeck/internal/testdb"
)

// TestRowsOfOtherDatabasesAreNotCounted: the database beside has a name that goes on where
// the first one ends, as a restore's own databases have.
func TestRowsOfOtherDatabasesAreNotCounted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		view := "INNODB_TABLESTATS"
		if s.Flavour == "mariadb" {
			view = "INNODB_SYS_TABLESTATS"
		}
		c, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, name := range []string{"店铺", "été-1", "plain_1"} {
			beside := name + "__new_1"
			for _, db := range []string{name, beside} {
				s.Exec(t, "", "CREATE DATABASE `"+db+"`")
				defer s.Exec(t, "", "DROP DATABASE `"+db+"`")
				s.Exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY)", "SELECT * FROM t")
			}
			count := func() string {
				n, err := changedRows(t.Context(), c, view, name)
				if err != nil || n == "-1" {
					t.Fatalf("%s: %s, %v", name, n, err)
				}
				return n
			}
			was := count()
			s.Exec(t, beside, "INSERT INTO t VALUES (1), (2)")
			if got := count(); got != was {
				t.Errorf("%s: rows of %s are counted: %s, then %s", name, beside, was, got)
			}
			s.Exec(t, name, "INSERT INTO t VALUES (1)")
			if got := count(); got == was {
				t.Errorf("%s: its own row is not counted", name)
			}
		}
	})
}
