package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// accident is what the tests look for: customers with all of them deleted at last.
func accident(t *testing.T, s *testdb.Server, schema string) {
	t.Helper()
	s.Exec(
		t,
		schema,
		"SET SESSION binlog_format=ROW",
		"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(50), kind ENUM('a','b'))",
		"INSERT INTO customers VALUES (1,'李','a'),(2,'王','b'),(3,'张','a')",
		"UPDATE customers SET name='赵' WHERE id=2",
		"CREATE TABLE orders (id INT PRIMARY KEY)",
		"INSERT INTO orders VALUES (1)",
		"DELETE FROM customers",
	)
}

func TestChangesShowWhatDeletedMost(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		accident(t, s, schema)
		ask := func(args ...string) []map[string]any {
			t.Helper()
			out, _ := asked(t, config, 0, append([]string{"audit", "changes", "--json"}, args...)...)
			if strings.TrimSpace(out) == "" {
				return nil
			}
			return jsonLines(t, out)
		}
		check := func(where string) {
			t.Helper()
			got := ask("--table", "customers", "--kind", "delete", "--rows-over", "2")
			if len(got) != 1 {
				t.Fatalf("%s: %v", where, got)
			}
			for _, key := range strings.Fields("id time gtid file pos tables size_bytes thread query") {
				if _, ok := got[0][key]; !ok {
					t.Errorf("no %s", key)
				}
			}
			table := got[0]["tables"].([]any)[0].(map[string]any)
			if table["schema"] != schema || table["table"] != "customers" || table["deleted"] != 3.0 ||
				table["inserted"] != 0.0 {
				t.Errorf("%v", table)
			}
			if n := len(ask("--table", "customers", "--key", "2")); n != 3 {
				t.Errorf("%s: row 2 has %d changes, want 3", where, n)
			}
			if n := len(ask("--kind", "ddl", "--table", "customers")); n != 1 {
				t.Errorf("%s: %d definitions, want 1", where, n)
			}
			if n := len(ask("--limit", "2")); n != 2 {
				t.Errorf("%s: %d, want 2", where, n)
			}
			if big := ask("--largest", "--limit", "1"); len(big) != 1 ||
				big[0]["tables"].([]any)[0].(map[string]any)["deleted"] != 3.0 {
				t.Errorf("%s: the largest is %v", where, big)
			}
			if n := len(ask("--until", "2020-01-01")); n != 0 {
				t.Errorf("%s: %d before the beginning", where, n)
			}
		}
		check("the server alone")
		asked(t, config, 0, "backup", "binlog", "fetch")
		check("the archive")
		user := fmt.Sprintf("u%d_%s", len(schema), schema[:min(len(schema), 8)])
		s.Exec(t, schema, "CREATE USER '"+user+"'@'%' IDENTIFIED BY 'Gehe1m-Wort'", "DROP USER '"+user+"'@'%'")
		check("archive and server")
		out, _ := asked(t, config, 0, "audit", "changes")
		all, _ := asked(t, config, 0, "audit", "changes", "--json", "--limit", "0")
		if strings.Contains(out+all, "Gehe1m") {
			t.Error("a password is shown")
		}
		s.Exec(t, schema, "SET SESSION binlog_format=STATEMENT", "DELETE FROM customers WHERE id = 1")
		for kind, want := range map[string]bool{"delete": true, "update": false} {
			out, _ := asked(t, config, 0, "audit", "changes", "--json", "--kind", kind, "--limit", "1")
			if got := strings.Contains(out, "DELETE FROM customers WHERE id"); got != want {
				t.Errorf("a DELETE of the statement format as %s: %v, want %v: %s", kind, got, want, out)
			}
		}
		if big := ask("--rows-over", "1000"); len(big) != 1 || big[0]["rows"] != nil {
			t.Errorf("a statement of unknown rows is not among those of many rows: %v", big)
		}
		largest := []string{"audit", "changes", "--largest", "--kind", "delete", "--limit", "2"}
		if got := ask(largest[2:]...); len(got) != 2 || got[0]["rows"] != nil || got[1]["rows"] != 3.0 {
			t.Errorf("a statement of unknown rows is not before the largest: %v", got)
		}
		if _, errs := asked(t, config, 0, largest...); !strings.Contains(errs, "those are first") {
			t.Errorf("it is not said that unknown ones come first: %s", errs)
		}
		if got := ask("--rows-over", "2", "--kind", "delete"); len(got) != 2 || got[1]["rows"] != 3.0 {
			t.Errorf("more than 2 rows: %v", got)
		}
		out, _ = asked(t, config, 0, "audit", "changes", "--limit", "1")
		if !regexp.MustCompile(` \?  .* DELETE FROM customers`).MatchString(out) {
			t.Errorf("a statement's rows are not shown as unknown:\n%s", out)
		}
		asked(t, config, 64, "audit", "changes", "--key", "1")
		asked(t, config, 64, "audit", "changes", "--key", "1", "--table", "nothing")
	})
}
