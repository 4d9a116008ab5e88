package main

import (
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
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

// withoutDefaults leaves out what a dump says where the schema's charset was
// changed after its routines were made.
func withoutDefaults(dump string) string {
	lines := slices.DeleteFunc(strings.Split(dump, "\n"), func(l string) bool { return strings.HasPrefix(l, "ALTER DATABASE ") })
	return strings.Join(lines, "\n")
}

// charset is that of the live schema, with its collation.
func (s *site) charset() (out string) {
	q := "SELECT CONCAT(DEFAULT_CHARACTER_SET_NAME, ' ', DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?"
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
	for _, truth := range []string{"The database " + s.live + " does not exist now.", "The service was left stopped"} {
		if !strings.Contains(report, truth) {
			t.Errorf("the report does not say %q:\n%s", truth, report)
		}
	}
}
