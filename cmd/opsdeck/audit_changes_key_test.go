package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// traced are the changes of a row by its key, oldest first: the rows of each transaction,
// or the first word of its statement; with a question mark where the log leaves it open.
func traced(t *testing.T, config, table, key string) string {
	t.Helper()
	out, _ := asked(t, config, 0, "audit", "changes", "--json", "--table", table, "--key", key)
	if strings.TrimSpace(out) == "" {
		return ""
	}
	var all []string
	for _, line := range jsonLines(t, out) {
		what := ""
		for _, c := range line["tables"].([]any) {
			c := c.(map[string]any)
			what += fmt.Sprintf("+%v~%v-%v", c["inserted"], c["updated"], c["deleted"])
		}
		if ddl, ok := line["ddl"].([]any); ok {
			what += strings.Fields(fmt.Sprint(ddl[0]))[0]
		}
		if line["unsure"] == true {
			what += "?"
		}
		all = append([]string{what}, all...)
	}
	return strings.Join(all, " ")
}

// TestARowIsTracedByItsKeyAcrossDefinitions follows one row through ALTERs, changes of its
// key, partial images, statements and the end of its table.
func TestARowIsTracedByItsKeyAcrossDefinitions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema,
			"SET SESSION binlog_format=ROW",
			"CREATE TABLE life (id INT PRIMARY KEY, a VARCHAR(20), b INT)",
			"INSERT INTO life VALUES (7,'one',1),(9,'other',1)",
			"UPDATE life SET a='two' WHERE id=7",
			"ALTER TABLE life ADD COLUMN c INT DEFAULT 5 FIRST",
			"UPDATE life SET b=2 WHERE id=7",
			"UPDATE life SET b=2 WHERE id=9",
			"UPDATE life SET id=8 WHERE id=7",
			"REPLACE INTO life (id,a,b,c) VALUES (8,'rep',4,4)",
			"ALTER TABLE life DROP COLUMN c",
			"UPDATE life SET id=7 WHERE id=8",
			"SET SESSION binlog_row_image=MINIMAL",
			"UPDATE life SET a='mini' WHERE id=7",
			"DELETE FROM life WHERE id=7",
			"SET SESSION binlog_format=STATEMENT",
			"INSERT INTO life VALUES (7,'x',1)",
			"TRUNCATE TABLE life",
		)
		const ones = "+2~0-0 +0~1-0 ALTER +0~1-0 +0~1-0 ALTER +0~1-0 +0~1-0 +0~0-1 ? TRUNCATE"
		if got := traced(t, config, "life", "7"); got != ones {
			t.Errorf("key 7:\n%s\n%s", got, ones)
		}
		if got, want := traced(t, config, "life", "9"), "+2~0-0 ALTER +0~1-0 ALTER ? TRUNCATE"; got != want {
			t.Errorf("key 9:\n%s\n%s", got, want)
		}
		s.Exec(t, schema, "DROP TABLE life")
		if got := traced(t, config, "life", "7"); got != ones+" DROP" {
			t.Errorf("after the table is gone:\n%s", got)
		}
		for _, key := range []string{"1,2", "1,"} {
			asked(t, config, 64, "audit", "changes", "--table", "life", "--key", key)
		}
		_, said := asked(t, config, 64, "audit", "changes", "--table", "nowhere", "--key", "1")
		if !strings.Contains(said, "there is no table") {
			t.Error(said)
		}
	})
}

// TestAKeyIsTypedAsPeopleType finds rows by keys that are written in another way than they
// are kept.
func TestAKeyIsTypedAsPeopleType(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema,
			"SET SESSION binlog_format=ROW", "SET NAMES utf8mb4",
			"CREATE TABLE k1 (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY)",
			"INSERT INTO k1 VALUES ('Ab')", "INSERT INTO k1 VALUES ('x,y')", "INSERT INTO k1 VALUES ('naïve')",
			"CREATE TABLE k2 (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY)",
			"INSERT INTO k2 VALUES ('Ab')",
			"CREATE TABLE k3 (k DECIMAL(10,2), d DATE, PRIMARY KEY (k,d))",
			"INSERT INTO k3 VALUES (1.50,'2026-01-02')",
			"CREATE TABLE k4 (e ENUM('x','y'), b BINARY(4), PRIMARY KEY (e,b))",
			"INSERT INTO k4 VALUES ('y',x'00ff0000')",
			"CREATE TABLE k5 (n INT UNSIGNED PRIMARY KEY)",
			"INSERT INTO k5 VALUES (4000000000)",
			"CREATE TABLE none (a INT)",
			"INSERT INTO none VALUES (1)",
		)
		for _, c := range []struct{ table, key, want string }{
			{"k1", "AB ", "+1~0-0"}, {"k1", `"x,y"`, "+1~0-0"}, {"k1", "NAIVE", "+1~0-0"},
			{"k1", "no", ""}, {"k2", "Ab", "+1~0-0"}, {"k2", "ab", ""},
			{"k3", "1.5,2026-01-02", "+1~0-0"}, {"k3", "1.51,2026-01-02", ""},
			{"k4", "y,0x00FF0000", "+1~0-0"}, {"k4", "2,0x00FF", "+1~0-0"}, {"k4", "x,0x00FF", ""},
			{"k5", "4000000000", "+1~0-0"},
		} {
			if got := traced(t, config, c.table, c.key); got != c.want {
				t.Errorf("%s of %s: %s, not %s", c.key, c.table, got, c.want)
			}
		}
		_, said := asked(t, config, 64, "audit", "changes", "--table", "none", "--key", "1")
		if !strings.Contains(said, "no primary key") {
			t.Error(said)
		}
	})
}

// TestAnXATransactionThatWasRolledBackIsNoChange: it is in the log all the same.
func TestAnXATransactionThatWasRolledBackIsNoChange(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		xa := func(id, update, end string) {
			s.Exec(t, schema, "SET SESSION binlog_format=ROW", "XA START '"+id+"'", update, "XA END '"+id+"'",
				"XA PREPARE '"+id+"'", end)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE x (id INT PRIMARY KEY, v INT)",
			"INSERT INTO x VALUES (1,1)")
		xa("a", "UPDATE x SET v=2", "XA ROLLBACK 'a'")
		xa("b", "UPDATE x SET v=3", "XA COMMIT 'b'")
		xa("c", "INSERT INTO x VALUES (2,2)", "DO 0")
		defer s.Exec(t, schema, "XA ROLLBACK 'c'")
		for _, args := range [][]string{{}, {"--largest"}} {
			out, _ := asked(t, config, 0, append([]string{"audit", "changes", "--json", "--table", "x"}, args...)...)
			if strings.Count(out, `"updated":1`) != 1 || strings.Count(out, `"prepared"`) != 1 ||
				strings.Count(out, `"inserted":1`) != 2 {
				t.Errorf("%v: %s", args, out)
			}
		}
	})
}
