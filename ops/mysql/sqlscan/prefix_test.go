package sqlscan

import (
	"slices"
	"testing"
)

func TestPrefixedStatements(t *testing.T) {
	for _, c := range []struct {
		sql, rest string
		settings  []string
		analyze   bool
	}{
		{"INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (1)", nil, false},
		{"SET PASSWORD FOR a = 'x'", "SET PASSWORD FOR a = 'x'", nil, false},
		{"SET STATEMENT max_statement_time=60 FOR UPDATE a SET b=1", "UPDATE a SET b=1",
			[]string{"max_statement_time=60"}, false},
		{"set statement sql_mode='FOR , x', lock_wait_timeout = (1 + 2) for\n alter table a add b int",
			"alter table a add b int", []string{"sql_mode='FOR , x'", "lock_wait_timeout = (1 + 2)"}, false},
		{"/* job */ SET /* c */ STATEMENT a=1 FOR SET STATEMENT b=2 FOR DROP TABLE x", "DROP TABLE x",
			[]string{"a=1", "b=2"}, false},
		{"SET STATEMENT a=(SELECT substring('x' FROM 1 FOR 1)) FOR DELETE FROM t", "DELETE FROM t",
			[]string{"a=(SELECT substring('x' FROM 1 FOR 1))"}, false},
		{"ANALYZE FORMAT=JSON UPDATE a SET b=1", "UPDATE a SET b=1", nil, true},
		{"SET STATEMENT a=1 FOR ANALYZE DELETE FROM t", "DELETE FROM t", []string{"a=1"}, true},
		{"ANALYZE TABLE t", "ANALYZE TABLE t", nil, false},
		{"ANALYZE NO_WRITE_TO_BINLOG TABLE `update`", "ANALYZE NO_WRITE_TO_BINLOG TABLE `update`", nil, false},
		{"SET STATEMENT a=1", "SET STATEMENT a=1", nil, false},
		{"/*M!100200 SET STATEMENT a=1 FOR */ DROP TABLE t",
			"/*M!100200 SET STATEMENT a=1 FOR */ DROP TABLE t", nil, false},
	} {
		p, rest := Prefixed([]byte(c.sql), Mode{})
		if string(rest) != c.rest || p.Analyze != c.analyze ||
			len(rest) < len(c.sql) && !slices.Equal(p.Settings, c.settings) {
			t.Errorf("%s:\n%q %+v", c.sql, rest, p)
		}
	}
}
