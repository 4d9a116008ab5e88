package binlog

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// summaries returns the transactions of a file.
func summaries(t *testing.T, path string) (all []*domain.Transaction) {
	t.Helper()
	s := Summary{Done: func(x *domain.Transaction) error {
		all = append(all, x)
		return nil
	}}
	walkFile(t, path, s.Take)
	return all
}

func TestRecordedLogsOfBothServersAreRead(t *testing.T) {
	for file, flavour := range map[string]string{"mysql97-binlog.000001": "mysql", "mariadb1011-compressed-binlog.000002": "mariadb"} {
		rows, definitions := int64(0), 0
		for _, x := range summaries(t, filepath.Join("testdata", file)) {
			rows += x.Rows()
			definitions += len(x.DDL)
			if x.Time.IsZero() || x.End <= x.Pos || x.Size <= 0 {
				t.Errorf("%s: %+v", file, x)
			}
		}
		if rows == 0 || definitions == 0 {
			t.Errorf("%s (%s): %d rows, %d definitions", file, flavour, rows, definitions)
		}
	}
}

// TestPartialJSONTagsAndXA covers events that only MySQL logs.
func TestPartialJSONTagsAndXA(t *testing.T) {
	s := testdb.Private(t, "mysql", "--gtid-mode=ON", "--enforce-gtid-consistency=ON")
	name := s.Schema(t)
	s.Exec(
		t,
		name,
		"CREATE TABLE j (id INT PRIMARY KEY, a JSON, b JSON, v INT)",
		"FLUSH BINARY LOGS",
		`INSERT INTO j VALUES (1, '{"name":"old","list":[1,2,3],"deep":{"x":1,"y":"z"}}', '{"k":1}', 1), (2, '{"a":1}', NULL, 2)`,
	)
	updates := []string{
		`UPDATE j SET a = JSON_SET(a, '$.name', 'n') WHERE id = 1`,
		`UPDATE j SET a = JSON_REMOVE(a, '$.list[1]'), b = JSON_SET(b, '$.k', 2) WHERE id = 1`,
		`UPDATE j SET a = JSON_REPLACE(a, '$.deep.y', 'w'), v = 9`,
		`UPDATE j SET a = JSON_SET(a, '$.deep.x', 7) WHERE id = 1`,
	}
	s.Exec(t, name, append([]string{"SET SESSION binlog_row_value_options = PARTIAL_JSON"}, updates...)...)
	s.Exec(t, name, "SET gtid_next = 'AUTOMATIC:nightly'", "INSERT INTO j (id) VALUES (3)", "SET gtid_next = AUTOMATIC",
		"XA START 'x1'", "INSERT INTO j (id) VALUES (4)", "XA END 'x1'", "XA PREPARE 'x1'", "XA COMMIT 'x1'")
	last := map[string][]domain.Value{}
	path := currentLog(t, s)
	walkFile(t, path, func(i *Item) error {
		if i.What != Change {
			return nil
		}
		return i.Rows.Each(func(c domain.RowChange) error {
			last[string(c.After[0].Text)] = c.After
			return nil
		})
	})
	rows, err := schema.All(t.Context(), s.Open(t, name), "SELECT id, a, IFNULL(b, 'null'), v FROM j WHERE id < 3")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		got := last[r[0]]
		if string(got[1].Text) != r[1] || !got[2].Null && string(got[2].Text) != r[2] {
			t.Errorf(
				"row %s: the log gives %s and %s, the table has %s and %s",
				r[0],
				got[1].Text,
				got[2].Text,
				r[1],
				r[2],
			)
		}
	}
	var tagged, prepared, completed bool
	for _, x := range summaries(t, path) {
		tagged = tagged || strings.Contains(x.GTID, ":nightly:1")
		prepared = prepared || x.Unfinished && x.Rows() == 1
		completed = completed || !x.Unfinished && x.XA != "" && x.Rows() == 0
	}
	if !tagged || !prepared || !completed {
		t.Errorf("tagged %v, prepared %v, completed %v", tagged, prepared, completed)
	}
	s.Exec(t, "", "FLUSH BINARY LOGS")
	set := previousOf(t, currentLog(t, s))
	said, err := schema.One(t.Context(), s.Open(t, ""), "SELECT @@GLOBAL.gtid_executed")
	if err != nil {
		t.Fatal(err)
	}
	want, err := domain.ParseGTIDs(said)
	if err != nil || set.String() != want.String() || !strings.Contains(set.String(), "nightly") {
		t.Errorf("the file says %s, the server %s, %v", set.String(), said, err)
	}
}

// previousOf is the set of GTIDs that a file lists for earlier files.
func previousOf(t *testing.T, path string) (set domain.GTIDs) {
	t.Helper()
	eachEvent(t, path, func(e *Event) {
		if e.Type != TypePreviousGTIDs {
			return
		}
		var err error
		if set, err = PreviousGTIDs(e); err != nil {
			t.Error(err)
		}
	})
	return set
}

// TestSequencesAndAnnotationsOfMariaDB: a sequence's next value is logged as rows of its
// table, and the statement's text is read.
func TestSequencesAndAnnotationsOfMariaDB(t *testing.T) {
	s := testdb.MariaDB(t)
	name := s.Schema(t)
	s.Exec(
		t,
		name,
		"SET SESSION binlog_format=ROW",
		"CREATE SEQUENCE sq",
		"CREATE TABLE t (id INT PRIMARY KEY)",
		"FLUSH BINARY LOGS",
		"SET SESSION gtid_domain_id=7",
		"INSERT INTO t VALUES (NEXTVAL(sq))",
	)
	for _, x := range summaries(t, currentLog(t, s)) {
		if !strings.HasPrefix(x.GTID, "7-") {
			continue
		}
		if !strings.Contains(x.Query, "NEXTVAL") || x.Count(name, "t").Inserted != 1 {
			t.Errorf("%+v", x)
		}
		return
	}
	t.Error("no transaction of domain 7")
}

// TestDamagedBytesAreErrors changes single bytes of events: the reader never panics, and
// with checksums it detects every change.
func TestDamagedBytesAreErrors(t *testing.T) {
	for _, file := range []string{"mysql97-binlog.000001", "mariadb1011-compressed-binlog.000002"} {
		whole := readAll(t, filepath.Join("testdata", file))
		for i := 4; i < len(whole); i++ {
			damaged := append([]byte(nil), whole...)
			damaged[i] ^= 0x41
			if err := tryWalk(damaged); err == nil && i != 4+17 {
				t.Errorf("%s: byte %d: nothing is seen", file, i)
			}
		}
		for i := 4; i < len(whole); i += 7 {
			tryWalk(whole[:i])
		}
	}
}

func TestPositionsAndNamesOfFiles(t *testing.T) {
	if p, ok := domain.ParsePosition("binlog.000007:" + strconv.Itoa(1<<40)); !ok || p.Pos != 1<<40 ||
		p.File != "binlog.000007" {
		t.Error(p, ok)
	}
}
