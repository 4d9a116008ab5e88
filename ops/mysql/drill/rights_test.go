package drill

import (
	"context"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
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
		if err == nil || !strings.Contains(err.Error(), "says nothing about the backup") {
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
