package rewind

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// oddJSON are documents with values that read as another type when they are written as text.
var oddJSON = []string{
	`JSON_OBJECT('n', 5, 'd', 1.5e0, 's', 'é', 'l', JSON_ARRAY(1, NULL, true))`,
	`JSON_OBJECT('amount', CAST('12345678901234567.89' AS DECIMAL(30,2)), 'a"b\\', JSON_ARRAY(1, CAST(1.10 AS DECIMAL(5,2))))`,
	`JSON_OBJECT('u', CAST(7 AS UNSIGNED), 'w', CAST(5000000000 AS SIGNED), 'm', CAST(-5 AS SIGNED), 'x', 18446744073709551615)`,
	`JSON_OBJECT('t', CAST('838:59:59' AS TIME), 'n', CAST('-01:02:03.5' AS TIME(1)), 'd', CAST('2026-01-02' AS DATE), 'dt', CAST('2026-01-02 03:04:05.6' AS DATETIME(1)))`,
	`JSON_OBJECT('b', x'00ff27', 'e', x'')`,
	`CAST(CAST('1.50' AS DECIMAL(5,2)) AS JSON)`,
	`JSON_ARRAY(JSON_ARRAY(CAST('10:00:00' AS TIME)), 'base64:type15:AP8=', '10:00:00.000000')`,
	`(SELECT JSON_ARRAY(ts, bl, tb, mb, lb, b, y, bi, vb, e, f) FROM kinds)`,
	`NULL`,
}

// TestARewindKeepsTheTypesInsideJSON deletes documents and brings them back. The oracle is
// the server: the log of a second deletion must hold the same bytes.
func TestARewindKeepsTheTypesInsideJSON(t *testing.T) {
	t.Parallel()
	s := testdb.MySQL(t)
	db := s.Schema(t)
	fill := []string{
		"SET SESSION sql_mode=''",
		"CREATE TABLE kinds (ts TIMESTAMP(3), bl BLOB, tb TINYBLOB, mb MEDIUMBLOB, lb LONGBLOB, b BIT(9), y YEAR, " +
			"bi BINARY(3), vb VARBINARY(9), e ENUM('a','b'), f FLOAT)",
		"INSERT INTO kinds VALUES ('2026-01-02 10:00:00.5', x'00ff', '', x'ff', 'ab', b'100000001', 2026, x'00', '', 'b', 1.1)",
		"CREATE TABLE j (id INT PRIMARY KEY, v INT, doc JSON)",
	}
	for i, doc := range oddJSON {
		fill = append(fill, fmt.Sprintf("INSERT INTO j VALUES (%d, 0, %s)", i, doc))
	}
	s.Exec(t, db, fill...)
	before := contents(t, s, db)
	for _, txn := range []string{
		"DELETE FROM j",
		"UPDATE j SET doc = JSON_ARRAY(1), v = 1",
		"UPDATE j SET doc = JSON_INSERT(doc, '$.more', 1, '$[9]', 1)",
	} {
		s.Exec(t, db, "SET SESSION binlog_row_value_options = PARTIAL_JSON", txn)
		after := contents(t, s, db)
		was := images(t, s, db)
		undone := func(p *Plan, err error) (kept bytes.Buffer) {
			t.Helper()
			if err != nil || p.Conflicts() != 0 {
				t.Fatalf("%s: %v", txn, err)
			}
			defer p.Close()
			_, err = p.Run(t.Context(), connection(t, s, db), "", func(n int, changes Changes) error {
				return WriteInverse(&kept, n, changes)
			})
			if err != nil {
				t.Fatalf("%s: %v", txn, err)
			}
			return kept
		}
		src, id := newest(t, s, db)
		conn := connection(t, s, db)
		kept := undone(Make(t.Context(), src, conn, db, Request{Txns: []string{id}}))
		if got := contents(t, s, db); got != before {
			t.Errorf("%s:\n%s\nwant\n%s", txn, got, before)
		}
		undo := func(take func(binlog.NetRow) error) error { return ReadInverse(bytes.NewReader(kept.Bytes()), take) }
		undone(Back(t.Context(), conn, db, "x", undo, nil, Place{}))
		if got := contents(t, s, db); got != after {
			t.Errorf("%s, undone:\n%s\nwant\n%s", txn, got, after)
		}
		again := images(t, s, db)
		if !slices.Equal(again, was) {
			t.Errorf("%s: in the log are then\n%q\nwant\n%q", txn, again, was)
		}
		src, id = newest(t, s, db)
		undone(Make(t.Context(), src, conn, db, Request{Txns: []string{id}}))
	}
}

// images are the documents that the newest transaction found and left, with the types of
// their values.
func images(t *testing.T, s *testdb.Server, db string) (all []string) {
	t.Helper()
	src, id := newest(t, s, db)
	_, err := src.Rows(t.Context(), id, func(c binlog.RowChange) error {
		for _, image := range [][]binlog.Value{c.Before, c.After} {
			if image != nil {
				all = append(all, string(image[0].Text)+" "+string(image[2].Text)+" "+string(image[2].Exact))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
