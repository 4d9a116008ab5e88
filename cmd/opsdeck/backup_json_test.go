package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// jsonValues are JSON values of MySQL; the first five hold DECIMALs that no double holds
// or prints so.
var jsonValues = []string{
	"JSON_OBJECT('amount', CAST('12345678901234567.89' AS DECIMAL(30,2)))",
	"JSON_OBJECT('amount', CAST('99999999999999999999.99' AS DECIMAL(30,2)), 'n', CAST(1 AS UNSIGNED))",
	"JSON_OBJECT('amount', CAST('1.10' AS DECIMAL(30,2)), 'it''s \"a\" \\\\ b', JSON_ARRAY(1.5e0, CAST('-0.050' AS DECIMAL(9,3))))",
	"CAST(CAST('123456789012345678901234567890' AS DECIMAL(65,0)) AS JSON)",
	"JSON_ARRAY(NULL, JSON_OBJECT('a b', JSON_ARRAY(1, JSON_OBJECT('钱', CAST('7.00' AS DECIMAL(9,2)))), '', CAST('2.0000' AS DECIMAL(9,4))))",
	"JSON_OBJECT('d', 1.5e0, 'big', 1e300, 'small', 1e-7, 'third', 1e0/3e0, 'whole', 2e0, 'max', 18446744073709551615, " +
		"'min', -9223372036854775808, 'text', '1.10 and 12345678901234567.89', 't', true, 'z', NULL, 'e', 123456789012345.6e0)",
}

// TestDecimalsInsideJSONComeBackExactly: the text and the types of the values are the same
// after a restore, by both ways to load. Doubles stay doubles.
func TestDecimalsInsideJSONComeBackExactly(t *testing.T) {
	db := testdb.MySQL(t)
	s := newSite(t, db)
	db.Exec(t, s.live, "CREATE TABLE audit_logs (id INT PRIMARY KEY AUTO_INCREMENT, new_value JSON, note TEXT)")
	for _, v := range jsonValues {
		db.Exec(t, s.live, "INSERT INTO audit_logs (new_value, note) VALUES ("+v+", 'it''s')")
	}
	before := s.jsonRows()
	s.must("backup", "create")
	s.must("backup", "verify", "--all", "--deep")
	if o := s.must("restore", "lost"); strings.Contains(o.out+o.err, "audit_logs") {
		t.Errorf("equal rows are called lost:\n%s%s", o.out, o.err)
	}
	db.Exec(t, s.live, "UPDATE audit_logs SET new_value = "+strings.Replace(jsonValues[0], "67.89", "67.91", 1)+
		" WHERE id = 1")
	if o := s.must("restore", "lost"); !strings.Contains(o.out+o.err, "audit_logs") {
		t.Errorf("a change that no double shows is not told:\n%s%s", o.out, o.err)
	}
	s.must("restore", "--confirm", s.live)
	if got := s.jsonRows(); got != before {
		t.Errorf("restored\n%swant\n%s", got, before)
	}
}

// jsonRows are the values with the types of some of their parts.
func (s *realSite) jsonRows() string {
	s.t.Helper()
	rows, err := s.db.Open(s.t, s.live).Query("SELECT new_value, CONCAT_WS(',', JSON_TYPE(new_value->'$'), " +
		"JSON_TYPE(new_value->'$.amount'), JSON_TYPE(new_value->'$.d'), JSON_TYPE(new_value->'$.whole'), " +
		"JSON_TYPE(new_value->'$.third'), JSON_TYPE(new_value->'$.max')) FROM audit_logs ORDER BY id")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var text, types string
		if err := rows.Scan(&text, &types); err != nil {
			s.t.Fatal(err)
		}
		out.WriteString(text + "  " + types + "\n")
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

// TestObjectsOfARoleAreGood: a view and a procedure whose definer is a role, which has no
// host, are as in the backup after a load.
func TestObjectsOfARoleAreGood(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	db.Exec(t, s.live, "CREATE ROLE IF NOT EXISTS opsdeck_app_role", "GRANT ALL ON `"+s.live+"`.* TO opsdeck_app_role",
		"CREATE DEFINER=opsdeck_app_role VIEW v AS SELECT id FROM customers",
		"CREATE DEFINER=opsdeck_app_role PROCEDURE p() SELECT 1")
	t.Cleanup(func() { db.Exec(t, "", "DROP ROLE opsdeck_app_role") })
	s.must("backup", "create")
	if o := s.must("backup", "verify", "--all", "--deep"); strings.Contains(o.out, "differs") {
		t.Errorf("a faithful copy differs:\n%s", o.out)
	}
	good := s.dump()
	s.must("restore", "--confirm", s.live)
	sameDump(t, good, s.dump())
}
