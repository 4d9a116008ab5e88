package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// The worker is killed while it replays, twice; the restore goes on from where it was and
// no transaction is done twice or left out.
func TestAReplayThatWasKilledGoesOn(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		work := inRows("SET SESSION sql_log_bin=1")
		for i := range 3000 {
			work = append(work, fmt.Sprintf("INSERT INTO ar_invoices (total) VALUES (%d)", i))
		}
		work = append(work, "ALTER TABLE ar_invoices ADD COLUMN note INT", "UPDATE ar_invoices SET note = id")
		db.Exec(t, s.live, work...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		s.must("restore", "--before", id, "--confirm", s.live, "--detach")
		for range 2 {
			if s.replaying() {
				s.killWorker()
				go s.command("restore", "resume", "--confirm", s.live).Run()
			}
		}
		until(t, "the end", func() bool {
			o := s.run("restore", "status", "--json")
			switch {
			case strings.Contains(o.out, `"result": "restored"`):
				return true
			case strings.Contains(o.out, `"running": false`):
				s.run("restore", "resume", "--confirm", s.live)
			}
			return false
		})
		sameDump(t, good, s.dump())
	})
}

// replaying waits until a replay has begun; false when it is over already.
func (s *realSite) replaying() (begun bool) {
	db := s.db.Open(s.t, "")
	until(s.t, "the replay", func() bool {
		var n int
		err := db.QueryRow("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = '_opsdeck_replay' AND "+
			"TABLE_SCHEMA LIKE ?", s.live[:min(len(s.live), 20)]+"%").Scan(&n)
		if begun = err == nil && n > 0; begun {
			return true
		}
		return strings.Contains(s.run("restore", "status", "--json").out, `"result": "restored"`)
	})
	return begun
}
