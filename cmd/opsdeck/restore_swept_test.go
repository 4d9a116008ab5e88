package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestAPlanRemovesWhatAKilledOneLeft drops the schemas of a killed plan, and says so. One
// whose trial is running stays, as does a database that only has a similar name.
func TestAPlanRemovesWhatAKilledOneLeft(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		stays := map[string]int{}
		left := map[string]bool{}
		for _, role := range []string{"probe1", "probe2", "probe3", "probe4"} { // of RENAME, RENAME, definers, objects
			name := restore.SideSchema(s.live, role, "18ecb2563546a9cb")
			left[name], stays[name] = true, 0
		}
		busy := restore.SideSchema(s.live, "probe1", "18ecb2563546a9cc")
		other := restore.SideSchema(s.live, "probe4", "ours")
		stays[busy], stays[other] = 1, 1
		for name := range stays {
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
		out := s.must("restore", "--plan").out
		if strings.Contains(out, busy) || strings.Contains(out, other) {
			t.Error(out)
		}
		for name := range left {
			if !strings.Contains(out, "removed "+name) {
				t.Errorf("the plan does not say that %s was removed:\n%s", name, out)
			}
		}
		for name, stays := range stays {
			var n int
			err := db.Open(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
				name).Scan(&n)
			if err != nil || n != stays {
				t.Errorf("%s: %d, want %d, %v", name, n, stays, err)
			}
		}
	})
}
