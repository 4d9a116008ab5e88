package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// An undo of a rewind that would delete rows which others refer to says that, and not that rows
// were changed. The rewind is listed with the restores, and an undo without an id names it.
func TestTheUndoOfARewindSaysWhatIsInItsWay(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE customers (id INT PRIMARY KEY)",
			"CREATE TABLE orders (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES customers (id))",
			"INSERT INTO customers VALUES (1),(2),(3)", "INSERT INTO orders VALUES (1,1),(2,2),(3,3)",
			"SET foreign_key_checks=0", "DELETE FROM customers")
		asked(t, config, 0, "restore", "rewind", "--txn", newestChange(t, config, "customers"), "--confirm", schema)

		status, _ := asked(t, config, 0, "restore", "status")
		if !strings.Contains(status, "rewind-") || !strings.Contains(status, "possible now: undo") ||
			!strings.Contains(status, "was undone at") {
			t.Errorf("status does not list it:\n%s", status)
		}
		doc, _ := asked(t, config, 0, "restore", "status", "--json")
		if !strings.Contains(doc, `"id": "rewind-`) {
			t.Errorf("status --json does not list it:\n%s", doc)
		}

		out, errs := asked(t, config, 0, "restore", "undo", "--dry-run")
		if !strings.Contains(out, "3 rows: 0 changed or deleted since, 3 to which other rows refer") ||
			strings.Contains(out, "find when such a row was changed") || !strings.Contains(errs, "the newest is rewind-") {
			t.Errorf("the plan:\n%s%s", out, errs)
		}
		for _, choice := range []string{"", "skip", "overwrite"} {
			args := []string{"restore", "undo", "--confirm", schema}
			if choice != "" {
				args = append(args, "--conflicts", choice)
			}
			_, errs := asked(t, config, 1, args...)
			if !strings.Contains(errs, "other rows refer to 3 of the rows that would be deleted") ||
				!strings.Contains(errs, "orders") || strings.Contains(errs, "were changed after") {
				t.Errorf("--conflicts %q:\n%s", choice, errs)
			}
		}
		s.Exec(t, schema, "DELETE FROM orders WHERE id < 3")
		asked(t, config, 0, "restore", "undo", "--conflicts", "skip", "--confirm", schema)
		if status, _ := asked(t, config, 0, "restore", "status"); !strings.Contains(status, "this was undone") {
			t.Errorf("status after the undo:\n%s", status)
		}
	})
}
