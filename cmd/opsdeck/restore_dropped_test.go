package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestADroppedDatabaseComesBack restores in both modes after DROP DATABASE, with
// the schema's own charset.
func TestADroppedDatabaseComesBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, "", "ALTER DATABASE `"+s.live+"` CHARACTER SET latin1 COLLATE latin1_german1_ci")
		good := withoutDefaults(s.dump())
		s.must("backup", "create")
		for _, mode := range []string{"swap", "in-place"} {
			db.Exec(t, "", "DROP DATABASE `"+s.live+"`")
			out := s.must("restore", "--mode", mode, "--confirm", s.live)
			sameDump(t, good, withoutDefaults(s.dump()))
			if got := s.charset(); got != "latin1 latin1_german1_ci" {
				t.Errorf("%s: the schema came back as %s", mode, got)
			}
			if !s.running() {
				t.Errorf("%s: the service is down\n%s", mode, out.err)
			}
		}
	})
}

// TestAnUndoBackToNothingSaysThatTheServiceIsDown restores a dropped database and
// takes that back: nobody knows what was lost, and the service stays down.
func TestAnUndoBackToNothingSaysThatTheServiceIsDown(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	s.must("backup", "create")
	db.Exec(t, "", "DROP DATABASE `"+s.live+"`")
	const claim = "nothing will be lost"
	lost := s.must("restore", "lost")
	const missing = "missing now: ar_invoices, customers, orders; the binlog has no other changes after the backup"
	if strings.Contains(lost.out, claim) || !strings.Contains(lost.out, missing) {
		t.Errorf("restore lost: %s", lost.out)
	}
	out := s.must("restore", "--confirm", s.live)
	if strings.Contains(out.err, claim) || !strings.Contains(out.err, missing) {
		t.Errorf("restore: %s", out.err)
	}
	back := s.run("restore", "undo", "--confirm", s.live)
	if back.code != 1 || !strings.Contains(back.err, "the service remains stopped") || s.running() {
		t.Errorf("exit %d, the service runs: %v\n%s", back.code, s.running(), back.err)
	}
	if report := s.must("restore", "report").out; !strings.Contains(report, "The service remains stopped") {
		t.Error(report)
	}
}

// TestTheOnlyCopyIsNotDroppedAfterAnUndo undoes the restore of a dropped database, and
// asks for the drop of what was restored.
func TestTheOnlyCopyIsNotDroppedAfterAnUndo(t *testing.T) {
	t.Parallel()
	db := testdb.MySQL(t)
	s := newSite(t, db)
	good := withoutDefaults(s.dump())
	s.must("backup", "create")
	db.Exec(t, "", "DROP DATABASE `"+s.live+"`")
	id := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	nothing := "After the undo, " + s.live + " has no tables: it had none before the restore."
	kept := restore.SideSchema(s.live, "new", id)
	tells(t, s.must("restore", "undo", "--dry-run").err, nothing, "On this server they are then only in "+kept)
	o := s.run("restore", "undo", "--confirm", s.live)
	tells(t, o.err, nothing, s.live+" has no tables, as before the restore; the restored tables are in "+kept)
	silent(t, o.err, "the old tables are back")
	for _, args := range [][]string{{"--dry-run"}, {"--confirm", s.live},
		{"--accept-missing", "ar_invoices,customers,orders", "--confirm", s.live}} {
		o = s.run(append([]string{"restore", "drop-old"}, args...)...)
		tells(t, o.err, "will be dropped: the database "+kept+", tables: ar_invoices, customers, orders",
			"rows in "+kept+" now: 7",
			s.live+" has no tables now, and "+kept+" still has ar_invoices, customers, orders: nothing was dropped")
		if o.code != 1 || !slices.Contains(s.sides(), kept) {
			t.Fatalf("%v: exit %d, databases %v\n%s", args, o.code, s.sides(), o.err)
		}
	}
	s.must("restore", "--confirm", s.live) // the advice
	sameDump(t, good, withoutDefaults(s.dump()))
	emptiedSince(t, s, id, kept)
	s.must("restore", "drop-old", id, "--confirm", s.live)
	if slices.Contains(s.sides(), kept) {
		t.Errorf("left: %v", s.sides())
	}
	sameDump(t, good, withoutDefaults(s.dump()))
}

// emptiedSince has a drop refused while a live table is there and empty, and while the
// server cannot be asked.
func emptiedSince(t *testing.T, s *realSite, id, kept string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	s.write("config.yaml", strings.Replace(config, fmt.Sprintf("port: %d}", s.db.Port), "port: 1}", 1))
	if o := s.run("restore", "drop-old", id, "--confirm", s.live); o.code == 0 || !slices.Contains(s.sides(), kept) {
		t.Fatalf("no server: exit %d, databases %v\n%s", o.code, s.sides(), o.err)
	}
	s.write("config.yaml", config)
	s.db.Exec(t, s.live, "CREATE TABLE saved AS SELECT * FROM customers",
		"SET foreign_key_checks = 0; DELETE FROM customers")
	o := s.run("restore", "drop-old", id, "--confirm", s.live)
	tells(t, o.err, "these tables have rows in "+kept+" and none in "+s.live+": customers; nothing was dropped",
		"restore drop-old "+id+" --accept-missing customers")
	if o.code != 1 || !slices.Contains(s.sides(), kept) {
		t.Fatalf("emptied: exit %d, databases %v\n%s", o.code, s.sides(), o.err)
	}
	s.db.Exec(t, s.live, "SET foreign_key_checks = 0", "INSERT INTO customers SELECT * FROM saved", "DROP TABLE saved")
}

// TestAnotherDatabasesBackupHasToBeNamed plans a restore from the backup of another
// database with tables of the same names.
func TestAnotherDatabasesBackupHasToBeNamed(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	other := db.Schema(t)
	db.Exec(t, other, shopSchema...)
	s.must("backup", "create", "--databases", other)
	i := slices.IndexFunc(
		s.backups(),
		func(n string) bool { return strings.HasPrefix(n, other) && strings.HasSuffix(n, ".gz") },
	)
	if i < 0 {
		t.Fatal(s.backups())
	}
	name := s.backups()[i]
	o := s.run("restore", "--from", name, "--plan")
	if o.code != 64 || !strings.Contains(o.err, "it contains "+other+": choose one of these with --from-schema") {
		t.Errorf("exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	if o := s.run("restore", "--from", name, "--from-schema", other, "--plan"); o.code != 0 {
		t.Errorf("named: exit %d\n%s", o.code, o.err)
	}
	// A dump of another tool in the folder, whose name has no time, is not listed.
	s.write(filepath.Join("backups", "copied.sql"), "USE `"+other+"`;\nCREATE TABLE t (a INT);\nINSERT INTO t VALUES (1);\n")
	into := s.live + "_copied"
	defer db.Exec(t, "", "DROP DATABASE IF EXISTS "+into)
	to := []string{"restore", "--from", "copied.sql", "--to", into, "--confirm", into}
	if o := s.run(to...); o.code != 1 || !strings.Contains(o.err+o.out, "it contains "+other) {
		t.Errorf("another database's dump: exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	if o := s.run(append(to, "--from-schema", other)...); o.code != 0 {
		t.Errorf("named, of another tool: exit %d\n%s\n%s", o.code, o.out, o.err)
	}
}

// withoutDefaults leaves out what a dump says where the schema's charset was
// changed after its routines were made.
func withoutDefaults(dump string) string {
	lines := slices.DeleteFunc(
		strings.Split(dump, "\n"),
		func(l string) bool { return strings.HasPrefix(l, "ALTER DATABASE ") },
	)
	return strings.Join(lines, "\n")
}

// charset is that of the live schema, with its collation.
func (s *realSite) charset() (out string) {
	q := "SELECT CONCAT(DEFAULT_CHARACTER_SET_NAME, ' ', DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA " +
		"WHERE SCHEMA_NAME = ?"
	if err := s.db.Open(s.t, "").QueryRow(q, s.live).Scan(&out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// TestNoServiceIsStartedWithoutItsDatabase gives a restore up whose database is
// gone: the service stays down, and every form of the report says why.
func TestNoServiceIsStartedWithoutItsDatabase(t *testing.T) {
	db := testdb.MySQL(t)
	s := newSite(t, db)
	s.must("backup", "create")
	s.amend(`"SELECT COUNT(*) > 0 FROM customers"`, `"SELECT 0"`)
	db.Exec(t, "", "DROP DATABASE `"+s.live+"`")
	defer db.Exec(t, "", "CREATE DATABASE IF NOT EXISTS `"+s.live+"`")
	out := s.run("restore", "--confirm", s.live)
	if out.code != 1 {
		t.Errorf("exit code %d", out.code)
	}
	if s.running() {
		t.Error("the service was started without a database")
	}
	report := s.must("restore", "report").out + out.err
	for _, lie := range []string{"The data is in place", "| ok |"} {
		if strings.Contains(report, lie) {
			t.Errorf("the report says %q:\n%s", lie, report)
		}
	}
	for _, truth := range []string{"The database " + s.live + " does not exist now.", "The service remains stopped"} {
		if !strings.Contains(report, truth) {
			t.Errorf("the report does not say %q:\n%s", truth, report)
		}
	}
}
