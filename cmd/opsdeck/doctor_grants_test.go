package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestTheGrantsOfDoctorAreEnough gives a user what doctor prints, and no more: then doctor
// has nothing to say about rights, and every verb works, with nothing left untried or unseen.
// The wide grant that the user has before gives nothing on the database once there is a
// narrower one, so doctor must widen it. Some rights are only seen to be missing once others
// are there.
func TestTheGrantsOfDoctorAreEnough(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		user := "granted_" + s.live[max(0, len(s.live)-20):]
		db.Exec(t, "", "CREATE USER '"+user+"'@'%' IDENTIFIED BY 'granted-pw'",
			"GRANT SELECT ON `"+strings.ReplaceAll(s.live, "_", `\_`)+"`.* TO '"+user+"'@'%'",
			"GRANT ALL ON `"+s.live[:len(s.live)-1]+"%`.* TO '"+user+"'@'%'")
		s.amend("restore: {", "restore: {standby: true, standby_delay: 0s, standby_threads: 0, ")
		s.amend("health: {", "health: {disk_free: 0.01, ") // this machine's disk may be nearly full
		caller := "calls_" + user[len("granted_"):]
		db.Exec(t, "", "CREATE USER '"+caller+"'@'%' IDENTIFIED BY 'granted-pw'",
			"GRANT EXECUTE ON PROCEDURE `"+s.live+"`.total_of TO '"+caller+"'@'%'")
		t.Cleanup(func() { db.Exec(t, "", "DROP USER '"+user+"'@'%', '"+caller+"'@'%'") })
		s.useOptions(fmt.Sprintf("[client]\nuser=%s\npassword=granted-pw\nhost=%s\nport=%d\n", user, db.Host, db.Port))
		asked := s.grantsOfDoctor()
		if len(asked) == 0 {
			t.Fatal("doctor asks for nothing, though the user may only read")
		}
		db.Exec(t, "", asked...)
		if left := s.grantsOfDoctor(); len(left) > 0 {
			db.Exec(t, "", left...)
			asked = append(asked, left...)
		}
		if left := s.grantsOfDoctor(); len(left) > 0 {
			t.Fatalf("after %q it still asks for %q", asked, left)
		}
		s.must("backup", "create")
		s.refuses("triggers and functions cannot be created", "restore", "--confirm", s.live)
		if out := s.run("doctor").out; !strings.Contains(out, "log_bin_trust_function_creators = ON") {
			t.Errorf("doctor does not say how triggers can be created: %s", out)
		}
		s.dropCreations()
		good := s.dump()
		s.must("backup", "create")
		s.must("backup", "verify", "--deep")
		s.must("backup", "drill")
		db.Exec(t, s.live, shopDamage...)
		s.nothingUnseen("restore", "--plan")
		s.must("restore", "--confirm", s.live, "--mode", "swap")
		sameDump(t, good, s.dump())
		s.mayCall(caller)
		s.must("restore", "undo", "--confirm", s.live)
		s.mayCall(caller)
		s.grantedToTheSecond()
		s.must("restore", "--confirm", s.live, "--mode", "in-place")
		s.mayCall(caller)
		s.must("restore", "undo", "--confirm", s.live)
		s.mayCall(caller)
		db.Exec(t, "", "REVOKE ALL PRIVILEGES ON `opsdeck\\_rescue\\_%`.* FROM '"+user+"'@'%'")
		o := s.run("restore", "rescue", "--table", "granted")
		if o.code != 78 || !strings.Contains(o.err, "as an administrator: GRANT SELECT, INSERT") {
			t.Errorf("exit %d, %s", o.code, o.err)
		}
	})
}

// mayCall is for a user with a grant on one procedure: it goes with the procedure, which a
// restore and an undo make again.
func (s *realSite) mayCall(user string) {
	s.t.Helper()
	var n int
	err := s.db.Open(s.t, "").QueryRow("SELECT COUNT(*) FROM mysql.procs_priv WHERE User = ? AND Routine_name = 'total_of'",
		user).Scan(&n)
	if err != nil || n != 1 {
		s.t.Errorf("%d grants on the procedure: %v", n, err)
	}
}

// nothingUnseen is for a command that says what it could not look at.
func (s *realSite) nothingUnseen(args ...string) {
	s.t.Helper()
	if o := s.must(args...); strings.Contains(o.out, "unknown:") {
		s.t.Errorf("%v: %s", args, o.out)
	}
}

// grantedToTheSecond does what the binlog is for, and rescues rows.
func (s *realSite) grantedToTheSecond() {
	s.t.Helper()
	row := "SET SESSION binlog_format=ROW"
	s.db.Exec(s.t, s.live, row, "CREATE TABLE granted (id INT PRIMARY KEY)", "INSERT INTO granted VALUES (1), (2)")
	s.must("backup", "create")
	s.forward()
	s.db.Exec(s.t, s.live, row, "INSERT INTO granted VALUES (3)", "CREATE TEMPORARY TABLE hasty (id INT)",
		"INSERT INTO hasty VALUES (4)", "INSERT INTO granted SELECT id FROM hasty", "DROP TEMPORARY TABLE hasty",
		"CREATE DEFINER=root@localhost PROCEDURE counted() SELECT COUNT(*) FROM granted")
	want := s.dump()
	s.db.Exec(s.t, s.live, row, "DELETE FROM granted WHERE id < 4")
	s.forward()
	var gone struct{ ID string }
	o := s.must("audit", "changes", "--kind", "delete", "--table", "granted", "--limit", "1", "--json")
	if err := json.Unmarshal([]byte(strings.Split(o.out, "\n")[0]), &gone); err != nil {
		s.t.Fatal(err, o.out)
	}
	s.must("restore", "rewind", "--txn", gone.ID, "--confirm", s.live)
	sameDump(s.t, want, s.dump())
	s.nothingUnseen("restore", "--before", gone.ID, "--plan")
	s.must("restore", "--before", gone.ID, "--confirm", s.live)
	sameDump(s.t, want, s.dump())
	s.db.Exec(s.t, s.live, "DELETE FROM granted WHERE id < 3")
	s.must("restore", "rescue", "--table", "granted", "--merge", "all", "--confirm", s.live)
	sameDump(s.t, want, s.dump())
	s.must("restore", "drop-old", "--confirm", s.live)
}

// dropCreations drops what only SUPER may create while the binary log is on.
func (s *realSite) dropCreations() {
	s.t.Helper()
	rows, err := s.db.Open(s.t, s.live).Query("SELECT CONCAT('DROP TRIGGER `', TRIGGER_NAME, '`') "+
		"FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? UNION ALL SELECT CONCAT('DROP FUNCTION `', ROUTINE_NAME, "+
		"'`') FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = 'FUNCTION'", s.live, s.live)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var drops []string
	for rows.Next() {
		var drop string
		if err := rows.Scan(&drop); err != nil {
			s.t.Fatal(err)
		}
		drops = append(drops, drop)
	}
	if len(drops) == 0 {
		s.t.Fatal("the shop has no triggers")
	}
	s.db.Exec(s.t, s.live, drops...)
}

// grantsOfDoctor are the statements that doctor prints for what is missing.
func (s *realSite) grantsOfDoctor() (statements []string) {
	s.t.Helper()
	var doc doctorJSON
	if err := json.Unmarshal([]byte(s.run("doctor", "--json").out), &doc); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range doc.Points {
		for _, f := range p.Findings {
			if strings.HasPrefix(f.Fix, "GRANT ") {
				statements = append(statements, f.Fix)
			}
		}
	}
	return statements
}
