package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
)

// Some tables come back with all that their foreign keys need; the others, and
// views, routines and events, stay as they are. Undo takes exactly that back.
func TestRestoreOfSomeTables(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		good := s.dump()
		s.must("backup", "create")
		db.Exec(
			t,
			s.live,
			"UPDATE customers SET name = 'damaged'",
			"DELETE FROM orders WHERE id = 2",
			"UPDATE ar_invoices SET total = 0",
		)
		damaged := s.dump()
		s.refuses(
			"foreign keys link the chosen tables to customers",
			"restore",
			"--tables",
			"orders",
			"--confirm",
			s.live,
		)
		s.refuses("does not contain nothing_such", "restore", "--tables", "nothing_such", "--confirm", s.live)
		for _, mode := range []string{"swap", "in-place"} {
			o := s.must("restore", "--tables", "orders,customers", "--mode", mode, "--confirm", s.live, "--json")
			if last := o.lastLine(t); last.Result != "restored" {
				t.Fatalf("%s: %+v\n%s", mode, last, o.out)
			}
			db.Exec(t, s.live, "UPDATE ar_invoices SET total = id + 4") // by hand: it was not to be touched
			sameDump(t, good, s.dump())
			db.Exec(t, s.live, "UPDATE ar_invoices SET total = 0")
			s.must("restore", "undo", "--confirm", s.live)
			sameDump(t, damaged, s.dump())
			if !s.running() {
				t.Fatal("the service is down")
			}
		}
	})
}

// A user that may only make backups is told before anything is begun.
func TestABackupUserCannotRestore(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		db.Exec(
			t,
			"",
			"CREATE USER IF NOT EXISTS 'keeper'@'%' IDENTIFIED BY 'keeper-pw'",
			"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `"+s.live+"`.* TO 'keeper'@'%'",
		)
		t.Cleanup(func() { db.Exec(t, "", "DROP USER 'keeper'@'%'") })
		s.useOptions(fmt.Sprintf("[client]\nuser=keeper\npassword=keeper-pw\nhost=%s\nport=%d\n", db.Host, db.Port))
		s.refuses("keeper lacks these privileges", "restore", "--confirm", s.live)
	})
}

// A server whose root comes in by the socket alone: over TCP that is said with
// the plan, and by the socket the whole restore works.
func TestRestoreByTheSocketOnly(t *testing.T) {
	db := testdb.Private(t, "mariadb", "--plugin-load-add=auth_socket")
	s := newSite(t, db)
	good := s.dump()
	s.must("backup", "create")
	db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	db.Exec(
		t,
		"",
		"ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('opsdeck')",
	)
	s.useOptions("[client]\nuser=root\n")
	s.refuses("set database.socket, through which root logs in", "restore", "--confirm", s.live)
	sameDump(t, damaged, s.dump())
	s.amend(fmt.Sprintf("host: 127.0.0.1, port: %d", db.Port), "socket: "+db.Socket)
	s.must("restore", "--confirm", s.live)
	sameDump(t, good, s.dump())
}

// useOptions lets the site reach its server by another options file.
func (s *realSite) useOptions(text string) {
	s.t.Helper()
	s.write("other.cnf", text)
	s.amend(s.options, filepath.Join(s.dir, "other.cnf"))
}
