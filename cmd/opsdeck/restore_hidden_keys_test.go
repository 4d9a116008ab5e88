package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// limited makes the site work as a user with privileges on its own databases alone, and
// those that doctor asks for beside: without PROCESS, or with it. It returns the way back.
func (s *realSite) limited(t *testing.T, db *testdb.Server, global string) (back func()) {
	t.Helper()
	pattern := strings.ReplaceAll(s.live, "_", `\_`)
	return s.as(t, db, fmt.Sprintf("limited%d", len(global)), "ALL ON `"+pattern+"%`.*", global+" ON *.*")
}

// as makes the site work as a new user with these privileges alone. It returns the way back,
// which drops the user.
func (s *realSite) as(t *testing.T, db *testdb.Server, user string, privileges ...string) (back func()) {
	t.Helper()
	db.Exec(t, "", "CREATE USER IF NOT EXISTS "+user+"@'%' IDENTIFIED BY 'x'")
	for _, p := range privileges {
		db.Exec(t, "", "GRANT "+p+" TO "+user+"@'%'")
	}
	options := filepath.Join(s.dir, user+".cnf")
	if err := os.WriteFile(options, []byte("[client]\nuser="+user+"\npassword=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("config.yaml", strings.Replace(string(text), s.options, options, 1))
	return func() {
		s.write("config.yaml", string(text))
		db.Exec(t, "", "DROP USER "+user+"@'%'")
	}
}

// TestForeignKeysOfTablesThatTheUserMayNotSee: information_schema leaves out the keys of
// other databases' tables on which the user has no privilege. InnoDB's own tables show them
// to whoever has PROCESS; to anybody else it is unknown whether there are any.
func TestForeignKeysOfTablesThatTheUserMayNotSee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		other := "crm-张" + fmt.Sprint(db.Port)
		db.Exec(t, "", "CREATE DATABASE `"+other+"`")
		t.Cleanup(func() { db.Exec(t, "", "DROP DATABASE `"+other+"`") })
		s.must("backup", "create")
		const said = "tables of other databases have foreign keys into this one"
		back := s.limited(t, db, "RELOAD")
		tells(t, s.must("restore", "--plan").out, "this user cannot see whether "+said)
		back()
		back = s.limited(t, db, "RELOAD, PROCESS")
		silent(t, s.must("restore", "--plan").out, said)
		db.Exec(t, other, "CREATE TABLE `vis-its` (id INT PRIMARY KEY, c INT, CONSTRAINT back FOREIGN KEY (c) REFERENCES "+
			s.live+".customers (id) ON DELETE CASCADE)", "INSERT INTO `vis-its` VALUES (1, 1)")
		if o := s.run("restore", "--mode", "swap", "--confirm", s.live); o.code == 0 {
			t.Errorf("a swap under the keys of another database:\n%s%s", o.out, o.err)
		} else {
			tells(t, o.out+o.err, said+": "+other+".vis-its")
		}
		tells(t, s.must("restore", "--mode", "in-place", "--plan").out,
			"tables of other databases refer to this one: "+other)
		back()
	})
}

// TestARewindDeletesNoRowThatHiddenOnesMayReferTo: rows of another database's table go with
// a deleted row, and no undo brings them back.
func TestARewindDeletesNoRowThatHiddenOnesMayReferTo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		other := db.Schema(t)
		s.must("backup", "create")
		db.Exec(t, s.live, "SET SESSION binlog_format=ROW", "INSERT INTO customers VALUES (9, 'new')")
		s.must("backup", "binlog", "fetch")
		config := filepath.Join(s.dir, "config.yaml")
		id := newestChange(t, config, "customers")
		db.Exec(t, other, "CREATE TABLE visits (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES "+
			s.live+".customers (id) ON DELETE CASCADE)", "INSERT INTO visits VALUES (99, 9)")
		for _, c := range []struct{ global, said string }{
			{"RELOAD, REPLICATION CLIENT, REPLICATION SLAVE", "cannot see whether rows of other databases refer"},
			{"RELOAD, PROCESS, REPLICATION CLIENT, REPLICATION SLAVE",
				"may refer to rows that would be deleted, and this user " +
					"cannot read them: " + other + ".visits"},
		} {
			back := s.limited(t, db, c.global)
			o := s.must("restore", "rewind", "--txn", id, "--plan")
			tells(t, o.out+o.err, c.said, "other rows may refer to it")
			if o := s.run("restore", "rewind", "--txn", id, "--confirm", s.live); o.code == 0 {
				t.Errorf("the row was deleted:\n%s%s", o.out, o.err)
			}
			back()
			if got := word(t, db, other); !strings.Contains(got, "(99,9)") {
				t.Errorf("rows of the other database: %q", got)
			}
		}
		db.Exec(t, other, "DROP TABLE visits")
		back := s.limited(t, db, "RELOAD, PROCESS, REPLICATION CLIENT, REPLICATION SLAVE")
		s.must("restore", "rewind", "--txn", id, "--confirm", s.live)
		back()
	})
}

// TestAnInPlaceRestoreThatCannotGiveObjectsTheirOwnerDoesNotBegin: without SYSTEM_USER, MySQL creates
// nothing in the name of an account that has it, and where that cannot be tried it is read, or unknown.
func TestAnInPlaceRestoreThatCannotGiveObjectsTheirOwnerDoesNotBegin(t *testing.T) {
	db := testdb.MySQL(t)
	s := newSite(t, db)
	s.must("backup", "create")
	before := s.dump()
	const global = "PROCESS, RELOAD, SESSION_VARIABLES_ADMIN, SYSTEM_VARIABLES_ADMIN, SET_ANY_DEFINER"
	for rights, want := range map[string]string{
		"SELECT, " + global: "the user has no permission to create objects for other users",
		global:              "whether this user may create them is unknown",
	} {
		end := s.as(t, db, "bare_"+fmt.Sprint(db.Port), "ALL ON `"+s.live+"`.*", rights+" ON *.*")
		tells(t, s.must("restore", "--plan").out, want, "blocks the restore")
		if o := s.run("restore", "--confirm", s.live); o.code == 0 {
			t.Errorf("restored:\n%s", o.out)
		}
		end()
		sameDump(t, before, s.dump())
	}
}

// TestARestoreInPlaceNeedsNoDatabaseBeside: a user with privileges on the live database alone
// cannot swap, and what it may not try elsewhere does not stop its restore in place.
func TestARestoreInPlaceNeedsNoDatabaseBeside(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		user := "alone_" + fmt.Sprint(db.Port)
		global := "SELECT, PROCESS, RELOAD, SESSION_VARIABLES_ADMIN, SYSTEM_VARIABLES_ADMIN, SET_ANY_DEFINER, SYSTEM_USER, SUPER ON *.*"
		if db.Flavour == "mariadb" {
			global = "SELECT, PROCESS, RELOAD, BINLOG MONITOR, BINLOG ADMIN, SET USER, SUPER ON *.*"
		}
		defer s.as(t, db, user, "ALL ON `"+s.live+"`.*", global)()
		good := s.dump()
		s.must("backup", "create")
		db.Exec(t, s.live, "DROP TABLE orders")
		plan := s.must("restore", "--plan").out
		tells(t, plan, "swap cannot be done here: no privileges on databases beside "+s.live+": GRANT ",
			"could not test whether the server can create all objects of the backup")
		silent(t, plan, "blocks the restore", "the server cannot create tables")
		s.must("restore", "--confirm", s.live)
		sameDump(t, good, s.dump())
	})
}
