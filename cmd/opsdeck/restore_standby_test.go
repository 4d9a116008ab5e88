package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/restore"
)

// newStandbySite is a site that keeps a standby as close to the service as the archive is,
// and a backup to build it from.
func newStandbySite(t *testing.T, db *testdb.Server) *realSite {
	t.Helper()
	s := newSite(t, db)
	s.amend("restore: {", "restore: {standby: true, standby_delay: 0s, standby_threads: 0, ")
	s.amend("health: {", "health: {disk_free: 0.01, ") // this machine's disk may be nearly full
	s.must("backup", "create")
	s.onlyOneName()
	return s
}

// forward archives the log and brings the standby to its end.
func (s *realSite) forward() (did standbyDidJSON) {
	s.t.Helper()
	s.must("backup", "binlog", "fetch")
	o := s.must("restore", "standby", "run", "--json")
	if err := json.Unmarshal([]byte(o.out), &did); err != nil {
		s.t.Fatal(err, o.out)
	}
	return did
}

// standing is what status says of the standby.
func (s *realSite) standing() (doc standbyJSON) {
	s.t.Helper()
	o := s.must("restore", "standby", "status", "--json")
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
		s.t.Fatal(err, o.out)
	}
	return doc
}

// A restore to a moment after the standby replays the rest of the log alone, and has every
// row; its undo brings the damage back, and the next standby needs a backup from after it.
func TestARestoreBeginsWithTheStandby(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		db.Exec(t, s.live, inRows(dayAtTheShop[:9]...)...)
		if did := s.forward(); !did.Built || did.Transactions == 0 || did.Rows == 0 {
			t.Fatalf("%+v", did)
		}
		if doc := s.standing(); doc.State != "ready" || doc.Check == nil || !doc.Check.Good || doc.SizeBytes == 0 {
			t.Fatalf("%+v", doc)
		}
		db.Exec(t, s.live, inRows(dayAtTheShop[9:]...)...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders", "INSERT INTO customers (name) VALUES ('late')")...)
		damaged := s.dump()
		id := s.newestID("orders")
		plan := s.must("restore", "--before", id, "--plan")
		if !strings.Contains(plan.out, "standby at ") || !strings.Contains(plan.out, "of log to replay") {
			t.Errorf("the plan does not use the standby:\n%s", plan.out)
		}
		o := s.must("restore", "--before", id, "--json", "--confirm", s.live)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		if !strings.Contains(o.out, "is used; it holds the log up to") {
			t.Errorf("the standby was not used:\n%s", o.out)
		}
		sameDump(t, good, s.dump())
		if !s.running() {
			t.Fatal("the service is down")
		}
		if doc := s.standing(); doc.State != "gone" {
			t.Errorf("%+v", doc)
		}
		s.must("restore", "undo", "--json", "--confirm", s.live)
		sameDump(t, damaged, s.dump())
	})
}

// The service is back before the old tables are backed up. That backup holds all that the
// database was, and once it is there the old tables can go.
func TestTheOldTablesAreBackedUpOnceTheServiceIsBack(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		s.forward()
		db.Exec(t, s.live, inRows(dayAtTheShop...)...)
		good := s.dump()
		db.Exec(t, s.live, inRows(shopDamage[0])...)
		id := s.newestID("customers")
		db.Exec(t, s.live, inRows(shopDamage[1:]...)...)
		damaged := s.dump()
		s.must("restore", "--before", id, "--json", "--confirm", s.live)
		sameDump(t, good, s.dump())
		var r struct {
			Emergency string         `json:"emergency_backup"`
			Kept      string         `json:"kept_schema"`
			Timeline  []restore.Mark `json:"timeline"`
		}
		if err := json.Unmarshal([]byte(s.must("restore", "report", "--json").out), &r); err != nil {
			t.Fatal(err)
		}
		place := func(stage restore.Stage) int {
			return slices.IndexFunc(r.Timeline, func(m restore.Mark) bool { return m.Stage == stage })
		}
		if place(restore.Keeping) < place(restore.Readying) || r.Emergency == "" || r.Kept == "" {
			t.Fatalf("emergency backup %q, kept in %q, timeline %+v", r.Emergency, r.Kept, r.Timeline)
		}
		moved := r.Emergency + ".moved"
		if err := os.Rename(r.Emergency, moved); err != nil {
			t.Fatal(err)
		}
		if o := s.run("restore", "drop-old", "--confirm", s.live); o.code == 0 || s.count(r.Kept, "customers") == 0 {
			t.Errorf("drop-old without the emergency backup: exit %d\n%s%s", o.code, o.out, o.err)
		}
		if err := os.Rename(moved, r.Emergency); err != nil {
			t.Fatal(err)
		}
		s.must("restore", "drop-old", "--confirm", s.live)
		s.must("restore", "--from", filepath.Base(r.Emergency), "--json", "--confirm", s.live,
			"--accept-missing", "ar_invoices,made_later")
		sameDump(t, damaged, s.dump())
	})
}

// Tables into which nothing was written since the last check are not read again before the
// exchange. A write into one by anybody is in the log: then the standby is not used.
func TestWhatTheNightProvedIsNotReadAgain(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		s.forward()
		s.nextBackup()
		if did := s.forward(); did.Check == nil || !did.Check.Good {
			t.Fatalf("%+v", did)
		}
		db.Exec(t, s.live, inRows("UPDATE orders SET amount = 12 WHERE id = 1")...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		var p restore.Plan
		if err := json.Unmarshal([]byte(s.must("restore", "--before", id, "--plan", "--json").out), &p); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Standby().Proven, " "); got != "ar_invoices customers" {
			t.Errorf("proven: %q", got)
		}
		o := s.must("restore", "--before", id, "--json", "--confirm", s.live)
		if !strings.Contains(o.out, "2 tables (5 rows) were not read again") {
			t.Errorf("what was read:\n%s", o.out)
		}
		sameDump(t, good, s.dump())
		s.must("restore", "drop-old", "--confirm", s.live)

		s.nextBackup()
		s.forward()
		s.nextBackup()
		if did := s.forward(); did.Check == nil || !did.Check.Good {
			t.Fatalf("%+v", did)
		}
		good = s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id = s.newestID("orders")
		db.Exec(t, "", "DELETE FROM `"+s.standing().Schema+"`.ar_invoices LIMIT 1")
		if plan := s.must("restore", "--before", id, "--plan").out; !strings.Contains(plan, "the standby is not used") {
			t.Errorf("a write into a proven table was not seen:\n%s", plan)
		}
		s.must("restore", "--before", id, "--json", "--confirm", s.live)
		sameDump(t, good, s.dump())
	})
}

// What the verbs would do is told to programs too, and nothing is done.
func TestTheStandbysDryRunsAreJSON(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		s.forward()
		name := s.standing().Schema
		var doc struct {
			DryRun     bool     `json:"dry_run"`
			Drops      []string `json:"drops"`
			BuiltAgain bool     `json:"built_again"`
			Room       bool     `json:"room"`
		}
		for _, verb := range []string{"remove", "rebuild"} {
			doc.Drops = nil
			o := s.must("restore", "standby", verb, "--dry-run", "--json")
			if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
				t.Fatalf("%s: %v\n%s", verb, err, o.out)
			}
			if !doc.DryRun || !slices.Equal(doc.Drops, []string{name}) || !doc.BuiltAgain {
				t.Errorf("%s: %+v", verb, doc)
			}
		}
		if !doc.Room || s.standing().State != "ready" {
			t.Errorf("room %v, %+v", doc.Room, s.standing())
		}
		s.must("restore", "standby", "remove", "--confirm", s.live)
		o := s.must("restore", "standby", "remove", "--dry-run", "--json")
		if !strings.Contains(o.out, `"drops": []`) {
			t.Errorf("nothing to drop:\n%s", o.out)
		}
	})
}

// usesNoStandby says that a plan loads the backup, and why.
func (s *realSite) usesNoStandby(why string, moment ...string) {
	s.t.Helper()
	plan := s.must(append([]string{"restore", "--plan"}, moment...)...)
	if !strings.Contains(plan.out, "the standby is not used: "+why) {
		s.t.Errorf("the plan does not say %q:\n%s", why, plan.out)
	}
}

// What is not surely right is not used, and the restore is as good without it: a standby
// that is past the moment, that somebody wrote into, whose place is lost, whose record
// cannot be read, and one that is turned off.
func TestAStandbyThatCannotBeUsedIsNotUsed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		db.Exec(t, s.live, inRows(dayAtTheShop[:6]...)...)
		s.forward()
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		now := []string{"--before", id}
		doc := s.standing()
		if plan := s.must("restore", "--plan", "--before", id); !strings.Contains(plan.out, "standby at ") {
			t.Fatalf("a good one is not used:\n%s", plan.out)
		}
		past := s.newestID("made_later")
		s.usesNoStandby("it is past that moment", "--before", past)
		s.usesNoStandby("only some tables are restored", "--before", id, "--tables", "orders")
		s.usesNoStandby("a restore in place loads", "--before", id, "--mode", "in-place")

		record := filepath.Join(s.dir, "state", "standby", "shop", "standby.json")
		text, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		for why, damage := range map[string][2]string{
			"its record cannot be read":  {"{", ""},
			"it is on another server":    {`"server": "`, `"server": "x`},
			"it was never checked":       {`"check":`, `"unknown":`},
			"failed":                     {`"good": true`, `"good": false`},
			"it belongs to the database": {`"database": "`, `"database": "x`},
		} {
			s.writeRecord(record, strings.Replace(string(text), damage[0], damage[1], 1))
			if plan := s.must("restore", "--plan", "--before", id); !strings.Contains(plan.out, why) ||
				!strings.Contains(plan.out, "the standby is not used") {
				t.Errorf("%s:\n%s", why, plan.out)
			}
		}
		s.writeRecord(record, string(text))

		// Somebody wrote into it: what it counted is right, and its rows are not.
		db.Exec(t, "", unlogged("DELETE FROM `"+doc.Schema+"`.ar_invoices LIMIT 1")...)
		o := s.run("restore", "--before", id, "--json", "--confirm", s.live)
		if o.code == 0 || !strings.Contains(o.out, "the replay counted") {
			t.Errorf("the check before the exchange passed: exit %d\n%s", o.code, o.out)
		}
		if doc := s.standing(); doc.State != "gone" {
			t.Errorf("%+v", doc)
		}
		s.usesNoStandby("", now...)
		s.must("restore", "--before", id, "--json", "--confirm", s.live)
		sameDump(t, good, s.dump())
	})
}

// unlogged is a statement that the log does not show: a standby that the log shows to be
// changed by others is not used at all.
func unlogged(statement string) []string {
	return []string{"SET SESSION sql_log_bin = 0", statement, "SET SESSION sql_log_bin = 1"}
}

func (s *realSite) writeRecord(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// The standby goes forward from backup to backup, and is compared with each at its very
// place. One into which somebody wrote fails, is said to be broken, is not used, and is
// built again from the next backup.
func TestAStandbyIsComparedWithEachBackup(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		s.forward()
		db.Exec(t, s.live, inRows(dayAtTheShop...)...)
		second := s.nextBackup()
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('after the backup')")...)
		did := s.forward()
		if did.Built || did.Check == nil || !did.Check.Good || did.Check.Backup != second || did.Check.Rows < 10 {
			t.Fatalf("%+v, check %+v", did, did.Check)
		}
		if got := s.count(s.standing().Schema, "customers"); got != s.count(s.live, "customers") {
			t.Errorf("the standby has %d customers", got)
		}
		if out := s.statusOf("standby"); !strings.Contains(out, `"state": "ok"`) {
			t.Errorf("status of a good one:\n%s", out)
		}
		schema := s.standing().Schema
		db.Exec(t, "", unlogged("UPDATE `"+schema+"`.customers SET name = 'someone else' WHERE id = 1")...)
		third := s.nextBackup()
		s.must("backup", "binlog", "fetch")
		o := s.run("restore", "standby", "run")
		if o.code != 1 || !strings.Contains(o.err, "it differs from "+third) {
			t.Fatalf("exit %d\n%s%s", o.code, o.out, o.err)
		}
		if doc := s.standing(); doc.State != "broken" || doc.Check.Good {
			t.Errorf("%+v", doc)
		}
		if out := s.statusOf("standby"); !strings.Contains(out, `"state": "critical"`) {
			t.Errorf("status of a broken one:\n%s", out)
		}
		s.usesNoStandby("it is broken", "--until", "now")
		if did := s.forward(); !did.Built || did.Dropped != schema {
			t.Errorf("%+v", did)
		}
	})
}

// nextBackup makes a backup in a second of its own, and says its name.
func (s *realSite) nextBackup() string {
	s.t.Helper()
	for now := time.Now().Unix(); time.Now().Unix() == now; {
		time.Sleep(20 * time.Millisecond)
	}
	var m struct{ Name string }
	if err := json.Unmarshal([]byte(s.must("backup", "create", "--json").out), &m); err != nil {
		s.t.Fatal(err)
	}
	s.onlyOneName() // which a standby would name too
	return m.Name
}

func (s *realSite) count(schema, table string) (n int) {
	s.t.Helper()
	if err := s.db.Open(s.t, schema).QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// statusOf is one check of status as JSON.
func (s *realSite) statusOf(check string) string {
	return s.run("status", "--only", check, "--json").out
}

// The work on a standby is killed again and again while it loads, is rebuilt and while it
// applies the log; what there is at the end has every row once, and no other schema is left.
func TestAStandbyThatWasKilledGoesOn(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		work := inRows("CREATE TABLE made_later (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
		for i := range 1500 {
			work = append(work, fmt.Sprintf("INSERT INTO made_later (v) VALUES (%d)", i))
		}
		work = append(work, "ALTER TABLE made_later ADD COLUMN note INT",
			"UPDATE made_later SET note = id WHERE v > 700")
		db.Exec(t, s.live, work...)
		s.must("backup", "binlog", "fetch")
		random := rand.New(rand.NewPCG(testenv.Seed(t), 0))
		var doc standbyJSON
		for round := range 2 {
			for kill := range 3 {
				args := []string{"restore", "standby", "run"}
				if round == 1 && kill == 0 {
					args = []string{"restore", "standby", "rebuild", "--confirm", s.live}
				}
				c := s.command(args...)
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond)
				c.Process.Kill()
				c.Wait()
			}
			s.forward()
			doc = s.standing()
			if doc.State != "ready" || len(doc.Leftovers) > 0 {
				t.Fatalf("%+v", doc)
			}
		}
		for _, table := range []string{"customers", "orders", "ar_invoices", "made_later"} {
			if want, got := s.checksum(s.live, table), s.checksum(doc.Schema, table); want != got || want == 0 {
				t.Errorf("%s: checksum %d, in the standby %d", table, want, got)
			}
		}
	})
}

// A busy server pauses a standby that was never built, and Status says so until it is.
func TestAStandbyThatPausesBeforeItsFirstBuildSaysSo(t *testing.T) {
	db := testdb.MariaDB(t)
	s := newStandbySite(t, db)
	s.amend("standby_threads: 0", "standby_threads: 1")
	s.must("backup", "binlog", "fetch")
	if doc := s.standing(); doc.State != "off" || doc.Paused != "" {
		t.Fatalf("before: %+v", doc)
	}
	end := busy(t, db)
	o := s.must("restore", "standby", "run")
	if !strings.Contains(o.out, "the standby pauses: the server is busy: Threads_running is") {
		t.Errorf("the round says:\n%s%s", o.out, o.err)
	}
	doc := s.standing()
	if doc.State != "off" || !strings.Contains(doc.Paused, "the server is busy") || doc.Schema != "" {
		t.Errorf("paused: %+v", doc)
	}
	if said := s.statusOf("standby"); !strings.Contains(said, "pauses: the server is busy") {
		t.Errorf("status says:\n%s", said)
	}
	end()
	s.amend("standby_threads: 1", "standby_threads: 0")
	s.forward()
	if doc := s.standing(); doc.State != "ready" || doc.Paused != "" {
		t.Errorf("afterwards: %+v", doc)
	}
	if said := s.statusOf("standby"); strings.Contains(said, "pauses") {
		t.Errorf("afterwards status says:\n%s", said)
	}
}

// busy keeps two threads of a server running until the returned function is called.
func busy(t *testing.T, db *testdb.Server) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	pool := db.Open(t, "")
	for range 2 {
		wg.Go(func() { pool.ExecContext(ctx, "SELECT SLEEP(600)") })
	}
	for running := 0; running < 3; {
		var name string
		if err := pool.QueryRow("SHOW GLOBAL STATUS LIKE 'Threads_running'").Scan(&name, &running); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

func (s *realSite) checksum(schema, table string) (sum int64) {
	s.t.Helper()
	var name string
	row := s.db.Open(s.t, schema).QueryRow("CHECKSUM TABLE " + table)
	if err := row.Scan(&name, &sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}
