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
			s.must("backup", "create")
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
			o := s.refuses("a prepared XA transaction holds locks on "+s.live, "restore", "--confirm", s.live)
			if !strings.Contains(o.err, "XA ROLLBACK "+id) || !s.running() {
				t.Errorf("service running %v\n%s", s.running(), o.err)
			}
			db.Exec(t, "", "XA ROLLBACK "+id)
			s.must("restore", "--confirm", s.live)
		})
	}
}
