package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestAPlanRemovesWhatAKilledOneLeft drops the schema of a killed rehearsal, and says so. One
// whose rehearsal is running stays, as does a database that only has a similar name.
func TestAPlanRemovesWhatAKilledOneLeft(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		left := restore.SideSchema(s.live, "probe4", "18ecb2563546a9cb")
		busy := restore.SideSchema(s.live, "probe4", "18ecb2563546a9cc")
		other := restore.SideSchema(s.live, "probe4", "ours")
		for _, name := range []string{left, busy, other} {
			db.Exec(t, "", "CREATE DATABASE "+name)
			defer db.Exec(t, "", "DROP DATABASE IF EXISTS "+name)
		}
		c, err := db.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecContext(t.Context(), "DO GET_LOCK(?, 0)", busy); err != nil {
			t.Fatal(err)
		}
		if out := s.must("restore", "--plan").out; !strings.Contains(out, "removed "+left) ||
			strings.Contains(out, busy) || strings.Contains(out, other) {
			t.Error(out)
		}
		for name, stays := range map[string]int{left: 0, busy: 1, other: 1} {
			var n int
			err := db.Open(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", name).Scan(&n)
			if err != nil || n != stays {
				t.Errorf("%s: %d, want %d, %v", name, n, stays, err)
			}
		}
	})
}
