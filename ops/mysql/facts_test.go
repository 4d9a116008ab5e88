package mysql

import (
	"slices"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/doctor"
)

func TestFactsOfRealServers(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE b (id INT) ENGINE=MyISAM",
			"CREATE TABLE c (id INT) ENGINE=InnoDB", "CREATE DEFINER='ghost'@'localhost' VIEW v AS SELECT 1 AS x",
			"CREATE VIEW w AS SELECT 2 AS x")
		f, err := Facts(t.Context(), targetOf(s), db)
		if err != nil {
			t.Fatal(err)
		}
		if f.Flavour != s.Flavour || f.Tables != 3 || f.Keyless != 2 || f.Engines["MyISAM"] != 1 ||
			len(f.Engines) != 1 ||
			!f.Binlog ||
			f.MaxPacket == 0 {
			t.Errorf("%+v", f)
		}
		if f.DefinersUnknown || !slices.Equal(f.MissingDefiners, []string{"ghost@localhost"}) {
			t.Errorf("definers %v, unknown %v", f.MissingDefiners, f.DefinersUnknown)
		}
		if skew := f.Now.Sub(f.Asked).Abs(); skew > time.Minute {
			t.Errorf("clocks differ by %v", skew)
		}
		if missing := doctor.BackupFindings(f, db); len(missing) != 0 {
			t.Errorf("root lacks %+v", missing)
		}
		user := "fielduser" + s.Flavour
		s.Exec(
			t,
			"",
			"CREATE USER "+user+"@'%' IDENTIFIED BY 'pw'",
			"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `"+db+"`.* TO "+user+"@'%'",
		)
		t.Cleanup(func() { s.Exec(t, "", "DROP USER "+user+"@'%'") })
		target := targetOf(s)
		target.User, target.Password = user, "pw"
		if f, err = Facts(t.Context(), target, db); err != nil {
			t.Fatal(err)
		}
		want := 5
		if s.Flavour == "mariadb" { // it tells the position of a snapshot to everybody
			want = 4
		}
		if missing := doctor.BackupFindings(f, db); len(missing) != want ||
			!f.DefinersUnknown || !f.RoutineGrantsUnknown {
			t.Errorf("the field's backup user lacks %+v of %v", missing, f.Grants)
		}
	})
}
