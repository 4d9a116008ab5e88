package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// held is a site with a transaction open that a restore has to ask about.
func held(t *testing.T) (s *realSite, damaged string) {
	t.Helper()
	s = newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	damaged = s.dump()
	hold, err := s.db.Open(t, s.live).Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Rollback() })
	if _, err := hold.Exec("UPDATE customers SET name = 'open' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	return s, damaged
}

// The command of a headless restore is killed, as by a dropped line: its worker
// answers by the flags it was given, and never waits for ever.
func TestAHeadlessRestoreWithoutItsCommandAnswersItself(t *testing.T) {
	s, _ := held(t)
	cmd := s.command("restore", "--confirm", s.live, "--answer-after", "1500ms", "--detach")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var v runsJSON
	until(t, "the worker's end", func() bool {
		v = runsJSON{}
		if err := json.Unmarshal([]byte(s.must("restore", "status", "--json").out), &v); err != nil {
			t.Fatal(err)
		}
		return len(v.Restores) == 1 && !v.Restores[0].Running && v.Restores[0].Result == "aborted"
	})
	if !s.running() || len(s.sides()) > 0 {
		t.Fatalf("running %v, schemas %v", s.running(), s.sides())
	}
}

// What a run waits for, and since when, is said to whoever looks.
func TestARunThatWaitsSaysSinceWhenAndForWhat(t *testing.T) {
	s, _ := held(t)
	s.must("restore", "--confirm", s.live, "--detach")
	waitStage(t, s, "ask-quiet")
	var v struct {
		Restores []struct {
			WaitsSince, WaitsUntil time.Time
			WaitsFor               []string
		}
	}
	text := strings.NewReplacer("waits_since", "WaitsSince", "waits_until", "WaitsUntil", "waits_for", "WaitsFor").
		Replace(s.must("restore", "status", "--json").out)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	r := v.Restores[0]
	if r.WaitsSince.IsZero() || r.WaitsUntil.Sub(r.WaitsSince) < 9*time.Minute || len(r.WaitsFor) == 0 ||
		!strings.Contains(r.WaitsFor[0], "session left") {
		t.Fatalf("%+v", r)
	}
	if o := s.must("restore", "status"); !strings.Contains(o.out, "has been waiting for an answer since") ||
		!strings.Contains(o.out, "its flags decide at") {
		t.Errorf("status says\n%s", o.out)
	}
	if o := s.run("status", "--only", "restore"); o.code != 2 ||
		!strings.Contains(o.out, "is waiting for an answer (since ") ||
		!strings.Contains(o.out, "session left") {
		t.Errorf("the check says (exit %d)\n%s", o.code, o.out)
	}
	s.must("restore", "abort", "--confirm", s.live)
}

// Another database of the server that is written to all the time keeps no restore
// from going on; this one's own writes do.
func TestABusyNeighbourKeepsNoRestoreFromGoingOn(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.must("backup", "create")
		good := s.dump()
		db.Exec(t, s.live, shopDamage...)
		stop := s.busy(db.Schema(t), "busy")
		s.must("restore", "--confirm", s.live)
		stop()
		sameDump(t, good, s.dump())
		report := s.must("restore", "report").out
		if db.Flavour == "mariadb" && !strings.Contains(report, "other databases are written to") ||
			!strings.Contains(report, "no writes to "+s.live) {
			t.Errorf("the report does not tell whose writes there were:\n%s", report)
		}

		before := s.dump()
		other := db.Schema(t)
		db.Exec(t, other, "CREATE VIEW v AS SELECT * FROM `"+s.live+"`.ar_invoices")
		stop = s.busy(other, "v")
		defer stop()
		o := s.run("restore", "--confirm", s.live, "--accept-missing", "ar_invoices")
		if o.code != 75 || !strings.Contains(o.err, "something still writes to "+s.live) ||
			!strings.Contains(o.err, "--despite-writes "+s.live) {
			t.Errorf("exit %d\n%s", o.code, o.err)
		}
		stop()
		if !s.running() || len(s.sides()) > 2 || !strings.Contains(before, "ar_invoices") {
			t.Errorf("running %v, schemas %v", s.running(), s.sides())
		}
	})
}

// busy writes to a table of a schema, through short connections of its own, until
// it is stopped.
func (s *realSite) busy(schema, table string) (stop func()) {
	if table == "busy" {
		s.db.Exec(s.t, schema, "CREATE TABLE busy (id INT PRIMARY KEY AUTO_INCREMENT, total DECIMAL(12,2))")
	}
	pool := s.db.Open(s.t, schema)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
			if _, err := pool.Exec("INSERT INTO `" + table + "` (total) VALUES (1)"); err != nil {
				s.t.Errorf("the neighbour: %v", err)
				return
			}
		}
	}()
	closed := false
	return func() {
		if !closed {
			closed = true
			close(quit)
			<-ended
		}
	}
}
