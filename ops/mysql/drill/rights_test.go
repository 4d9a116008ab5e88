package drill

import (
	"context"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// TestARefusedDrillSaysNothingOfTheBackup: a user that may not make the scratch schema
// gets an error and no record of a bad backup; with doctor's grant the drill passes.
func TestARefusedDrillSaysNothingOfTheBackup(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE a (id INT PRIMARY KEY)",
			"INSERT INTO a VALUES (1)",
			"CREATE VIEW v AS SELECT id FROM a",
		)
		path := backupOf(t, s, db)
		s.Exec(
			t,
			"",
			"DROP USER IF EXISTS 'rehearser'@'%'",
			"CREATE USER 'rehearser'@'%' IDENTIFIED BY 'Rehearse-1'",
			"GRANT SELECT ON `"+db+"`.* TO 'rehearser'@'%'",
		)
		t.Cleanup(func() { s.Exec(t, "", "DROP USER 'rehearser'@'%'") })
		as := target(s)
		as.User, as.Password = "rehearser", "Rehearse-1"
		job := Job{Target: as, Path: path, Live: db}
		record, err := Run(context.Background(), job)
		if err == nil || !strings.Contains(err.Error(), "does not mean that the backup is bad") {
			t.Fatalf("%+v, %v", record, err)
		}
		s.Exec(
			t,
			"",
			"GRANT SELECT, UPDATE, DELETE, SHOW VIEW, LOCK TABLES, EXECUTE, CREATE, DROP, ALTER, INDEX, INSERT, "+
				"REFERENCES, CREATE VIEW,"+
				" CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT ON `opsdeck\\_drill\\_%`.* TO 'rehearser'@'%'",
		)
		if record, err = Run(context.Background(), job); err != nil || record.Result != "passed" {
			t.Errorf("with the rights: %+v, %v", record, err)
		}
		if left := scratch(t, s); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// TestARoutineWhoseLibraryIsGoneIsNamed: MySQL 9 lets a library be dropped under a routine,
// and then refuses to create the routine. The backup says so, and is not bad for it.
func TestARoutineWhoseLibraryIsGoneIsNamed(t *testing.T) {
	s := testdb.MySQL(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)",
		"CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n + 1 } $$",
		"CREATE FUNCTION j(n INT) RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING (lib AS l) AS $$ return l.f(n) $$")
	m, err := backup.ReadManifest(backupOf(t, s, db))
	if err != nil || len(m.NotLoadable()) > 0 {
		t.Fatalf("with its library: %v, %v", m.NotLoadable(), err)
	}
	s.Exec(t, db, "DROP LIBRARY lib")
	path := backupOf(t, s, db)
	if m, err = backup.ReadManifest(path); err != nil {
		t.Fatal(err)
	}
	if left := m.LeavesOut(db); len(left) != 1 || left[0] != "function j" {
		t.Fatalf("left out: %q", left)
	}
	record, err := Run(t.Context(), Job{Target: target(s), Path: path, Live: db})
	if err != nil || record.Result != backup.Passed || !strings.Contains(record.Remark, "function j") {
		t.Errorf("%+v, %v", record, err)
	}
}
