package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/site/restores"
)

func TestRescueOfATable(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "ALTER TABLE customers ADD api_token VARCHAR(20) DEFAULT 'hush'")
		good := s.dump()
		s.must("backup", "create")
		db.Exec(
			t,
			s.live,
			"UPDATE customers SET name = '坏\x1b[31m' WHERE id = 2",
			"DELETE FROM orders WHERE id = 1",
			"UPDATE orders SET amount = 7 WHERE id = 2",
			"UPDATE customers SET api_token = 'other' WHERE id = 1",
		)
		damaged := s.dump()

		o := s.must("restore", "rescue", "--table", "customers")
		for _, want := range []string{"0 missing now, 2 changed", "李四 → 坏", "api_token: ••••••"} {
			if !strings.Contains(o.out, want) {
				t.Errorf("no %q in\n%s", want, o.out)
			}
		}
		if strings.Contains(o.out, "\x1b") || strings.Contains(o.out, "hush") {
			t.Errorf("unsafe: %q", o.out)
		}
		var doc restores.Rescued
		if err := json.Unmarshal([]byte(s.must("restore", "rescue", "--table", "orders", "--json", "--merge", "all",
			"--dry-run").out), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Missing != 1 || doc.Changed != 1 || doc.WouldMerge == nil ||
			*doc.WouldMerge != (restores.RescueMerged{Inserted: 1, Updated: 1}) ||
			doc.Merged != nil ||
			len(doc.Rows) != 2 ||
			*doc.Rows[1].Columns[0].Backup != "99.00" ||
			*doc.Rows[1].Columns[0].Live != "7.00" {
			t.Errorf("%+v", doc)
		}
		for _, c := range []struct {
			args []string
			code int
		}{
			{[]string{"--merge", "all"}, 64},
			{[]string{"--merge", "all", "--confirm", "other"}, 64},
			{[]string{"--merge", "all", "--confirm", s.live, "--read-only"}, 64},
			{[]string{"--merge", "keys", "--keys", "99", "--confirm", s.live}, 64},
		} {
			if o := s.run(append([]string{"restore", "rescue", "--table", "orders"}, c.args...)...); o.code != c.code {
				t.Errorf("%v: exit %d\n%s", c.args, o.code, o.err)
			}
		}
		sameDump(t, damaged, s.dump())

		s.must("restore", "rescue", "--table", "customers", "--merge", "changed", "--confirm", s.live)
		o = s.must(
			"restore",
			"rescue",
			"--table",
			"orders",
			"--merge",
			"keys",
			"--keys",
			"1,2",
			"--confirm",
			s.live,
			"--json",
		)
		if err := json.Unmarshal([]byte(o.out), &doc); err != nil || doc.Merged == nil ||
			*doc.Merged != (restores.RescueMerged{Inserted: 1, Updated: 1}) {
			t.Errorf("%v %s", err, o.out)
		}
		sameDump(t, good, s.dump())
		if o := s.must("operations"); strings.Count(o.out, "restore.rescue.merge") < 4 {
			t.Errorf("not on record:\n%s", o.out)
		}
		if o := s.must("restore", "rescue", "--table", "orders", "--keep-scratch", "--json"); json.Unmarshal(
			[]byte(o.out),
			&doc,
		) != nil ||
			!doc.ScratchKept {
			t.Errorf("%s", o.out)
		}
		if got := db.Dump(t, "--compact", doc.Scratch, "orders"); !strings.Contains(string(got), "99.00") {
			t.Errorf("the kept copy: %s", got)
		}
		db.Exec(t, "", "DROP DATABASE `"+doc.Scratch+"`")
	})
}

func TestRescueThatIsInterruptedLeavesNothing(t *testing.T) {
	db := testdb.MySQL(t)
	s := newSite(t, db)
	s.must("backup", "create")
	db.Exec(t, s.live, "DELETE FROM orders")
	damaged := s.dump()
	held := db.Open(t, s.live)
	held.SetMaxOpenConns(1)
	if _, err := held.Exec("LOCK TABLES orders WRITE"); err != nil { // the comparison has to wait
		t.Fatal(err)
	}
	cmd := s.command("restore", "rescue", "--table", "orders", "--merge", "all", "--confirm", s.live)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := db.Open(t, "")
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var waiting int
		err := watch.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for " +
			"table metadata lock%'").
			Scan(&waiting)
		if err != nil || time.Now().After(until) {
			t.Fatal("the comparison does not wait", err)
		}
		if waiting > 0 {
			break
		}
	}
	const scratch = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'opsdeck\\_rescue%'"
	var left int
	if err := watch.QueryRow(scratch).Scan(&left); err != nil || left != 1 {
		t.Fatalf("%d scratch databases while it runs, %v", left, err)
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d", code)
	}
	if _, err := held.Exec("UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	if err := watch.QueryRow(scratch).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d scratch databases are left, %v", left, err)
	}
	sameDump(t, damaged, s.dump())
	if o := s.must("operations"); !strings.Contains(o.out, "stopped") {
		t.Errorf("not on record:\n%s", o.out)
	}
}
