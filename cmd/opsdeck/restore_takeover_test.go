package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"opsdeck/internal/testdb"
)

// The first operator's worker is gone; another takes the restore over by typing
// the database's name, and not without.
func TestAnotherOperatorTakesARestoreOverByName(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	good := s.dump()
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	hold, err := s.db.Open(t, s.live).Begin() // an open transaction: the restore has to ask
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback()
	if _, err := hold.Exec("UPDATE customers SET name = 'open' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	s.must("restore", "--confirm", s.live, "--detach")
	waitStage(t, s, "ask-quiet")
	s.killWorker()
	s.env = append(s.env, "SUDO_USER=li")
	if o := s.run("restore", "resume"); o.code != 64 || !strings.Contains(o.err, "--confirm "+s.live) {
		t.Fatalf("without the name: exit %d\n%s", o.code, o.err)
	}
	if o := s.run("restore", "resume", "--confirm", "another"); o.code != 64 {
		t.Fatalf("with another name: exit %d\n%s", o.code, o.err)
	}
	hold.Rollback()
	o := s.must("restore", "resume", "--confirm", s.live, "--kill-sessions", "--json")
	if last := o.lastLine(t); last.Result != "restored" {
		t.Fatalf("%+v\n%s", last, o.out)
	}
	sameDump(t, good, s.dump())
	if report := s.must("restore", "report").out; !strings.Contains(report, "sudo li") {
		t.Errorf("the report does not name who took it over:\n%s", report)
	}
}

// killWorker is kill -9 of the newest run's worker.
func (s *realSite) killWorker() {
	s.t.Helper()
	all := s.journals()
	text, err := os.ReadFile(all[len(all)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var last struct{ Event *struct{ PID int } }
	for i := len(lines) - 1; i >= 0 && last.Event == nil; i-- {
		if err := json.Unmarshal([]byte(lines[i]), &last); err != nil {
			s.t.Fatal(err)
		}
	}
	syscall.Kill(last.Event.PID, syscall.SIGKILL)
	until(
		s.t,
		"the worker's end",
		func() bool { return !strings.Contains(s.must("restore", "status", "--json").out, `"running": true`) },
	)
}

// What changed between the look at a plan and its execution is refused.
func TestAPlanThatChangedSinceItWasShownIsRefused(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	var p struct{ Hash string }
	if err := json.Unmarshal([]byte(s.must("restore", "--plan", "--json").out), &p); err != nil {
		t.Fatal(err)
	}
	s.db.Exec(t, s.live, "CREATE TABLE made_meanwhile (id INT PRIMARY KEY)")
	before := s.dump()
	s.refuses("the plan differs from the one shown", "restore", "--confirm", s.live, "--plan-hash", p.Hash)
	sameDump(t, before, s.dump())
}

// A backup goes to another service's database on another server, under another
// name, with all that is in it.
func TestRestoreToAnotherServer(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	good := s.dump()
	s.must("backup", "create")
	path := filepath.Join(s.dir, "backups", s.backups()[0])
	other := testdb.Private(t, "mariadb")
	other.Exec(t, "", "CREATE DATABASE staging_sales CHARACTER SET utf8mb4")
	other.Exec(t, "staging_sales", "CREATE TABLE junk (id INT PRIMARY KEY)")
	s.amend("state_dir:", fmt.Sprintf(`  - name: staging
    health: {url: ""}
    database: {name: staging_sales, options_file: %s, host: 127.0.0.1, port: %d}
    redis: {address: ""}
    process: {kind: none}
    logs: []
    backup: {dir: %s, keep: {daily: 7}}
    restore: {key_tables: [customers]}
state_dir:`, other.OptionsFile(t), other.Port, filepath.Join(s.dir, "staging")))
	o := s.must("restore", "--service", "staging", "--from", path, "--confirm", "staging_sales",
		"--from-schema", s.live, "--accept-missing", "junk", "--json")
	if last := o.lastLine(t); last.Result != "restored" {
		t.Fatalf("%+v\n%s", last, o.out)
	}
	there := *s
	there.db, there.live = other, "staging_sales"
	sameDump(t, good, there.dump())
	sameDump(t, good, s.dump())
}
