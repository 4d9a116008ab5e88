package main

import (
	"database/sql/driver"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAPreparedXATransactionStopsThePlan: its session is gone, so no list of sessions shows
// it. The plan names it before the service is stopped, and the statement that it advises
// makes the restore possible.
func TestAPreparedXATransactionStopsThePlan(t *testing.T) {
	for flavour, db := range map[string]*testdb.Server{
		"mariadb": testdb.Private(t, "mariadb"),
		"mysql":   testdb.Private(t, "mysql"),
	} {
		t.Run(flavour, func(t *testing.T) {
			s := newSite(t, db)
			if o := s.must("backup", "create"); strings.Contains(o.err, "XA") {
				t.Errorf("there is none, and the backup warns:\n%s", o.err)
			}
			if o := s.must("restore", "--plan"); strings.Contains(o.out, "prepared XA") {
				t.Errorf("there is none, and one is told:\n%s", o.out)
			}
			c, err := db.Open(t, s.live).Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{"XA START 'live','b',7", "INSERT INTO customers (name) VALUES ('open')",
				"XA END 'live','b',7", "XA PREPARE 'live','b',7"} {
				if _, err := c.ExecContext(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			c.Raw(func(any) error { return driver.ErrBadConn }) // the client is gone
			c.Close()
			id := "X'6c697665',X'62',7"
			s.tellsPrepared(t, id)
			o := s.refuses("a prepared XA transaction holds locks on "+s.live, "restore", "--confirm", s.live)
			if !strings.Contains(o.err, "XA ROLLBACK "+id) || !s.running() {
				t.Errorf("service running %v\n%s", s.running(), o.err)
			}
			db.Exec(t, "", "XA ROLLBACK "+id)
			if o := s.run("status", "--only", "mysql"); strings.Contains(o.out, "XA") {
				t.Errorf("it is gone, and status says\n%s", o.out)
			}
			s.must("restore", "--confirm", s.live)
			if flavour == "mysql" { // where the setting binds root too
				s.readOnly(t)
			}
		})
	}
}

// tellsPrepared waits until the server knows that the session is gone; then a new backup,
// status and doctor name the transaction and how to end it.
func (s *realSite) tellsPrepared(t *testing.T, id string) {
	t.Helper()
	until(t, "the end of the session", func() bool {
		return strings.Contains(s.run("status", "--only", "mysql").out, "XA transactions without a session: 1")
	})
	for _, do := range [][]string{{"backup", "create"}, {"status", "--only", "mysql"}, {"doctor"}} {
		o := s.run(do...)
		tells(t, o.out+o.err, id)
	}
}

// readOnly sets the server read-only: the plan and a deep verification name the setting, the
// backup is not called bad, and the statement that is advised makes both possible.
func (s *realSite) readOnly(t *testing.T) {
	t.Helper()
	s.db.Exec(t, "", "SET GLOBAL super_read_only = ON")
	plan := s.run("restore", "--plan").out
	tells(t, plan, "the server is read-only (super_read_only)", "SET GLOBAL read_only = OFF")
	silent(t, plan, "swap cannot be done here")
	o := s.run("backup", "verify", "--deep")
	tells(t, o.err, "this does not mean that the backup is bad", "the server is read-only (super_read_only)")
	silent(t, o.out, "bad")
	s.db.Exec(t, "", "SET GLOBAL read_only = OFF")
	s.must("backup", "verify", "--deep")
	silent(t, s.must("restore", "--plan").out, "read-only")
}
