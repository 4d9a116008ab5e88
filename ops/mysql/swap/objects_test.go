package swap

import (
	"slices"
	"testing"

	"opsdeck/internal/testdb"
)

// TestPackagesAndLibrariesAreReadDroppedAndMadeAgain: MariaDB's packages, made in sql_mode
// ORACLE, and MySQL's libraries with their own sql_mode and their users.
func TestPackagesAndLibrariesAreReadDroppedAndMadeAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, to := s.Schema(t), s.Schema(t)
		want := []string{"package pk", "package body pk", "function f"}
		if s.Flavour == "mysql" {
			want = []string{"library pk", "function f"}
			s.Exec(t, from, "SET sql_mode = 'ANSI_QUOTES'",
				"CREATE LIBRARY pk LANGUAGE JAVASCRIPT AS $$ // it's\n export function g(n) { return n } $$",
				"CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC "+
					"LANGUAGE JAVASCRIPT USING (pk AS m) AS $$ return m.g(a) $$")
		} else {
			s.Exec(t, from, "SET sql_mode = 'ORACLE'", "CREATE PACKAGE pk AS FUNCTION g RETURN INT; END",
				"CREATE PACKAGE BODY pk AS FUNCTION g RETURN INT AS BEGIN RETURN 1; END; END",
				"CREATE FUNCTION f RETURN INT DETERMINISTIC AS BEGIN RETURN pk.g; END")
		}
		c, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		o := &objects{}
		next, err := o.look(t.Context(), c, from)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range next.Objects {
			next.Objects[i] = o.moved(from, to, false)
		}
		all := func(_ object) bool { return true }
		for range 2 { // the second time they are there already
			if _, err = o.replaceObjects(t.Context(), c, to, true, contents{}, next, nil, all); err != nil {
				t.Fatal(err)
			}
		}
		made, err := o.look(t.Context(), c, to)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, m := range made.Objects {
			names = append(names, m.Kind+" "+m.Name)
			was := next.Objects[i]
			if m.SQLMode != was.SQLMode || was.Create != m.Create {
				t.Errorf("made %+v of %+v", m, was)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("made %q, want %q", names, want)
		}
		if _, err = o.replaceObjects(t.Context(), c, to, false, made, contents{}, nil, all); err != nil {
			t.Fatal(err)
		}
		if left, err := o.look(t.Context(), c, to); err != nil || len(left.Objects) > 0 {
			t.Errorf("left %+v: %v", left.Objects, err)
		}
	})
}
