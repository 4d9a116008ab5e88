package main

import (
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// A dump of others, made with --databases, goes to another schema and touches
// the live one by no statement.
func TestRestoreOfAForeignDumpIntoAnotherSchema(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		args := []string{"--routines", "--triggers", "--events"}
		if db.Flavour == "mysql" {
			args = append(args, "--set-gtid-purged=OFF")
		}
		dump := db.Dump(t, append(args, "--databases", s.live)...)
		s.write("foreign.sql", string(dump))
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()
		other := s.live[:min(len(s.live), 50)] + "_copy"
		t.Cleanup(func() { db.Exec(t, "", "DROP DATABASE IF EXISTS `"+other+"`") })
		o := s.must(
			"restore",
			"--from",
			filepath.Join(s.dir, "foreign.sql"),
			"--to",
			other,
			"--confirm",
			other,
			"--json",
		)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v", last)
		}
		sameDump(t, damaged, s.dump())
		var names int
		if err := db.Open(t, other).QueryRow("SELECT COUNT(*) FROM customers WHERE name IN ('张三', '李四')").Scan(&names); err != nil ||
			names != 2 {
			t.Fatalf("%d rows, %v", names, err)
		}
		if !s.running() {
			t.Fatal("the service was stopped for it")
		}
		if o := s.run("restore", "--from", filepath.Join(s.dir, "foreign.sql"), "--to", other, "--confirm",
			other); o.code != 1 ||
			!strings.Contains(o.err, "not empty") {
			t.Fatalf("into a schema that is not empty: exit %d\n%s", o.code, o.err)
		}
	})
}

// A whole dump of others takes the place of the live schema, by one exchange of
// the tables; the dump names it, and the undo brings all back.
func TestRestoreOfAForeignDumpIntoTheLiveSchema(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		good := s.dump()
		args := []string{"--single-transaction", "--routines", "--triggers", "--events"}
		if db.Flavour == "mysql" {
			args = append(args, "--set-gtid-purged=OFF")
		}
		s.write("foreign.sql", string(db.Dump(t, append(args, "--databases", s.live)...)))
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()
		from := filepath.Join(s.dir, "foreign.sql")
		plan := s.must("restore", "--from", from, "--plan").out
		for _, want := range []string{"no manifest", "RENAME TABLE"} {
			if !strings.Contains(plan, want) {
				t.Errorf("the plan lacks %q:\n%s", want, plan)
			}
		}
		o := s.must("restore", "--from", from, "--mode", "swap", "--confirm", s.live, "--json")
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
		if !s.running() {
			t.Fatal("the service is down")
		}
		s.must("restore", "undo", "--confirm", s.live)
		sameDump(t, damaged, s.dump())
		s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
		if left := s.sides(); len(left) > 0 {
			t.Fatalf("schemas are left: %v", left)
		}
	})
}
