package rewind

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// TestRowsWithoutAKeyAreTakenBack has equal rows, rows that only a collation calls equal, and a
// copy that somebody else deleted since.
func TestRowsWithoutAKeyAreTakenBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE h (v INT, w VARCHAR(9)) COLLATE utf8mb4_general_ci",
			"INSERT INTO h VALUES (1,'a'),(1,'A'),(2,''),(2,'  '),(3,NULL),(4,'x')")
		before := contents(t, s, db)
		s.Exec(t, db, "SET SESSION binlog_format=ROW", "BEGIN", "INSERT INTO h VALUES (1,'a'),(1,'a'),(2,''),(3,NULL)", "DELETE FROM h WHERE v=4",
			"UPDATE h SET w='b' WHERE w='A' COLLATE utf8mb4_bin", "COMMIT")
		after := contents(t, s, db)
		src, id := newest(t, s, db)
		conn := connection(t, s, db)
		plan := func() *Plan {
			p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
			return p
		}
		p := plan()
		if !slices.Equal(p.Bare, []string{"h"}) || p.Len() != 7 || p.Conflicts() != 0 {
			t.Fatalf("%v %d %d", p.Bare, p.Len(), p.Conflicts())
		}
		kept := taken(t, conn, p, nil, nil)
		if got := contents(t, s, db); got != before {
			t.Fatalf("%s\nwant\n%s", got, before)
		}
		undo := func(take func(binlog.NetRow) error) error { return ReadInverse(bytes.NewReader(kept), take) }
		p, err := Back(t.Context(), conn, db, "x", undo, nil, Place{})
		taken(t, conn, p, err, nil)
		if got := contents(t, s, db); got != after {
			t.Fatalf("undone:\n%s\nwant\n%s", got, after)
		}

		s.Exec(t, db, "DELETE FROM h WHERE v=1 AND w='a' COLLATE utf8mb4_bin LIMIT 2") // one of three is left
		p = plan()
		if p.Conflicts() != 1 {
			t.Errorf("%d conflicts", p.Conflicts())
		}
		stale := plan()
		s.Exec(t, db, "DELETE FROM h WHERE v=1 AND w='a' COLLATE utf8mb4_bin")
		if _, err := stale.Run(t.Context(), conn, Skip, nil); !errors.Is(err, ErrChanged) {
			t.Errorf("rows that went since the plan: %v", err)
		}
	})
}

// What cannot be done honestly without a key is refused, and says why.
func TestRowsWithoutAKeyAreRefused(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		many := "INSERT INTO h (v) VALUES (0)" + strings.Repeat(",(1)", MostSought)
		for name, c := range map[string]struct {
			tables []string
			txn    string
			since  string
			want   error
		}{
			"a column since": {[]string{"CREATE TABLE h (v INT)"}, "INSERT INTO h VALUES (1)", "ALTER TABLE h ADD c INT",
				binlog.ErrNoKey},
			"a trigger": {[]string{"CREATE TABLE h (v INT)", "CREATE TRIGGER d BEFORE DELETE ON h FOR EACH ROW SET @x = 1"},
				"INSERT INTO h VALUES (1)", "", binlog.ErrNoKey},
			"many": {[]string{"CREATE TABLE h (v INT)"}, many, "", ErrSought},
			"rows that are inserted again are not searched for": {[]string{"CREATE TABLE h (v INT)", many}, "DELETE FROM h",
				"", nil},
		} {
			t.Run(name, func(t *testing.T) {
				db := s.Schema(t)
				s.Exec(t, db, append([]string{"SET SESSION binlog_format=ROW"}, append(c.tables, c.txn)...)...)
				_, id := newest(t, s, db)
				if c.since != "" {
					s.Exec(t, db, c.since)
				}
				src, _ := newest(t, s, db)
				p, err := Make(t.Context(), src, connection(t, s, db), db, Request{Txns: []string{id}})
				if !errors.Is(err, c.want) {
					t.Errorf("%v", err)
				}
				p.Close()
			})
		}
	})
}
