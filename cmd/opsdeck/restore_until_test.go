package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// dayAtTheShop is work after a backup: rows, definitions, and what the log has by itself.
var dayAtTheShop = []string{
	"INSERT INTO customers (name) VALUES ('王五'), ('gone')",
	"BEGIN",
	"INSERT INTO orders (customer_id, created_at) VALUES (3, '2026-02-03')",
	"UPDATE orders SET amount = 11 WHERE id = 1",
	"COMMIT",
	"CREATE TABLE made_later (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20) DEFAULT 'x')",
	"INSERT INTO made_later VALUES (), (), ()",
	"ALTER TABLE ar_invoices ADD COLUMN note VARCHAR(20)",
	"UPDATE ar_invoices SET note = 'paid' WHERE id = 2",
	"DELETE FROM customers WHERE name = 'gone'",
	"ALTER EVENT nightly ON SCHEDULE EVERY 2 DAY",
	"CREATE VIEW later_view AS SELECT id FROM made_later",
	"DROP TRIGGER orders_bi",
	"CREATE TRIGGER orders_bi BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = COALESCE(NEW.amount, 1)",
}

func inRows(statements ...string) []string {
	return append([]string{"SET SESSION binlog_format=ROW", "SET NAMES utf8mb4"}, statements...)
}

// newestID is the newest transaction of the log that changed a table.
func (s *realSite) newestID(table string) string {
	s.t.Helper()
	o := s.must("audit", "changes", "--json", "--limit", "1", "--table", table)
	var line struct{ ID string }
	if err := json.Unmarshal([]byte(strings.TrimSpace(o.out)), &line); err != nil {
		s.t.Fatal(err, o.out)
	}
	return line.ID
}

// exportedAfterTheAccident replays what was exported: what came after the accident is back,
// the accident is not.
func (s *realSite) exportedAfterTheAccident(t *testing.T, db *testdb.Server, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "customers.sql" {
		t.Fatalf("exported %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	db.Client(t, s.live, bytes.NewReader(text))
	var late, orders int
	err = db.Open(t, s.live).QueryRow("SELECT (SELECT COUNT(*) FROM customers WHERE name = 'late'), "+
		"(SELECT COUNT(*) FROM orders)").Scan(&late, &orders)
	if err != nil || late != 1 || orders == 0 {
		t.Fatalf("%d late customers, %d orders, %v", late, orders, err)
	}
}

func TestRestoreToAMomentBeforeTheAccident(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows(dayAtTheShop...)...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders", "INSERT INTO customers (name) VALUES ('late')")...)
		damaged := s.dump()
		id := s.newestID("orders")

		plan := s.must("restore", "--before", id, "--plan")
		for _, want := range []string{"binlog to", "2 later transactions are not restored"} {
			if !strings.Contains(plan.out, want) {
				t.Errorf("the plan lacks %q:\n%s", want, plan.out)
			}
		}
		sameDump(t, damaged, s.dump())
		lost := filepath.Join(s.dir, "lost")
		o := s.must("restore", "--before", id, "--json", "--confirm", s.live, "--export-lost", lost)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
		if !s.running() {
			t.Fatal("the service is down")
		}
		s.sameReport(t)
		s.exportedAfterTheAccident(t, db, lost)
		s.must("restore", "undo", "--json", "--confirm", s.live)
		s.sameReport(t)
		sameDump(t, damaged, s.dump())
	})
}

// sameReport compares what is printed of the newest restore, which is over, with its file.
// The worker writes that to its end a moment after the restore is over.
func (s *realSite) sameReport(t *testing.T) {
	t.Helper()
	printed := s.must("restore", "report").out
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "restores", "*", "report.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no report: %v", err)
	}
	kept := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(files[len(files)-1])
		if err != nil {
			t.Fatal(err)
		}
		// The worker was given its service by name, and names it in what it advises.
		kept = strings.ReplaceAll(string(text), " --service shop", "")
		if strings.TrimSpace(kept) == strings.TrimSpace(printed) {
			return
		}
	}
	for _, line := range strings.Split(printed, "\n") {
		if !strings.Contains(kept, line) {
			t.Errorf("the file lacks %q", line)
		}
	}
	t.Error("the report that is printed is not the file")
}

func TestRestoreToAMomentIntoAnotherSchemaAndInPlace(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows(dayAtTheShop[:9]...)...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		side := s.live[:min(len(s.live), 50)] + "__side"
		s.must("restore", "--before", id, "--to", side, "--confirm", side, "--json")
		var n int
		if err := db.Open(t, side).QueryRow("SELECT COUNT(*) FROM orders").Scan(&n); err != nil || n != 3 {
			t.Errorf("%d orders, %v", n, err)
		}
		s.must("restore", "--before", id, "--mode", "in-place", "--confirm", s.live, "--json")
		sameDump(t, good, s.dump())
	})
}

func TestRestoreSaysWhichSpanCanBeReached(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('x')")...)
		if o := s.run("restore", "--plan", "--until", "yesterday"); o.code != 64 ||
			!strings.Contains(o.err, "not one point in time") {
			t.Errorf("a day: exit %d\n%s", o.code, o.err)
		}
		for _, args := range [][]string{
			{"--until", "2001-01-01 00:00"},
			{"--until", "binlog.999999:4"},
			{"--before", "binlog.999999:4"},
			{"--until", "2999-01-01 00:00"},
		} {
			o := s.run(append([]string{"restore", "--plan"}, args...)...)
			if o.code == 0 || !strings.Contains(o.err, "…") {
				t.Errorf("%v: exit %d\n%s", args, o.code, o.err)
			}
		}
		if o := s.run("restore", "--plan", "--until", "nonsense"); o.code != 64 {
			t.Errorf("exit %d\n%s", o.code, o.err)
		}
		if o := s.run("restore", "--plan", "--until", "now", "--before", "binlog.000001:4"); o.code != 64 {
			t.Errorf("exit %d\n%s", o.code, o.err)
		}
	})
}

// One table goes to the moment, and the others stay as they are.
func TestRestoreOneTableToAMoment(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		// The smoke test reads a table that is not restored.
		s.amend(`smoke_test: ["SELECT COUNT(*) > 0 FROM customers"], `, "")
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO ar_invoices (total) VALUES (8)", "UPDATE customers SET name = 'now'")...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM ar_invoices")...)
		s.must("restore", "--before", s.newestID("ar_invoices"), "--tables", "ar_invoices", "--confirm", s.live,
			"--json")
		sameDump(t, good, s.dump())
	})
}
