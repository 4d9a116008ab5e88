package main

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// stopsLate makes the stop of the service wait for a file, so that a run stands
// in step 2 for as long as a test wants, but no longer than its folder is there.
func (s *realSite) stopsLate() (goOn func()) {
	s.t.Helper()
	gate := filepath.Join(s.dir, "gate")
	up := filepath.Join(s.dir, "up")
	wait := "until test -e " + gate + " || ! test -d " + s.dir + "; do sleep 0.05; done"
	s.amend(`stop: "rm -f `+up+`"`, `stop: "rm -f `+up+`; `+wait+`"`)
	return func() { s.write("gate", "") }
}

// open leaves a transaction open, so that a restore has to ask.
func (s *realSite) open() *sql.Tx {
	s.t.Helper()
	hold, err := s.db.Open(s.t, s.live).Begin()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { hold.Rollback() })
	if _, err := hold.Exec("UPDATE customers SET name = 'open' WHERE id = 1"); err != nil {
		s.t.Fatal(err)
	}
	return hold
}

// kill -9 of the command that watches its restore, as by a dropped line: the
// worker goes on, and the command's flags answer the question that comes later.
func TestAKilledCommandLeavesItsRestoreGoingOn(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	good := s.dump()
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	goOn := s.stopsLate()
	s.open()
	command := s.command("restore", "--confirm", s.live, "--kill-sessions", "--answer-after", "500ms")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	defer command.Process.Kill()
	waitStage(t, s, "stopping")
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if command.Wait(); command.ProcessState.ExitCode() != -1 {
		t.Fatalf("the command ended by itself: %v", command.ProcessState)
	}
	if v := waitStage(t, s, "stopping"); !v.Restores[0].Running {
		t.Fatal("the worker ended with its command")
	}
	until(t, "the service's stop", func() bool { return !s.running() })
	if o := s.run("status", "--only", "process"); o.code != 2 ||
		!strings.Contains(o.out, "Do not start anything by hand") {
		t.Errorf("the process check says (exit %d)\n%s", o.code, o.out)
	}
	goOn()
	var v runsJSON
	until(t, "the restore's end", func() bool {
		v = runsJSON{}
		if err := json.Unmarshal([]byte(s.must("restore", "status", "--json").out), &v); err != nil {
			t.Fatal(err)
		}
		return !v.Restores[0].Running
	})
	if v.Restores[0].Result != "restored" || !s.running() {
		t.Fatalf("%+v, running %v", v.Restores[0], s.running())
	}
	sameDump(t, good, s.dump())
	if report := s.must("restore", "report").out; !strings.Contains(report, "ending the sessions left") {
		t.Errorf("the flags answered nothing:\n%s", report)
	}
}

// Two operators at their consoles see the same restores, also the second one, and
// one begun by command; the question of either is seen by both, and leaves the
// screen when it is answered. When the first one's worker is gone, the second
// takes the restore over by the typed name.
func TestTwoOperatorsAtTheirConsoles(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	good := s.dump()
	s.must("backup", "create")
	s.db.Exec(t, s.live, "DROP TABLE ar_invoices")
	zhang := s.sit()
	s.env = []string{"SUDO_USER=li"}
	li := s.sit()
	s.env = nil
	for _, c := range []*seat{zhang, li} {
		c.sees("Restore")
		c.press("5")
		c.sees("missing now: ar_invoices")
	}
	zhang.press("B")
	zhang.sees("Start the restore")
	zhang.types(s.live)
	zhang.sees("restored in")
	li.sees("restored in")
	sameDump(t, good, s.dump())

	s.db.Exec(t, s.live, "DROP TABLE ar_invoices")
	s.open()
	zhang.press("N")
	zhang.sees("missing now: ar_invoices")
	zhang.press("B")
	zhang.sees("Start the restore")
	zhang.types(s.live)
	for _, c := range []*seat{zhang, li} {
		c.sees("2 Stop services: a question")
		c.sees("session left")
	}
	if o := s.run("restore", "--confirm", s.live); o.code != 75 || !strings.Contains(o.err, "restoring "+s.live) {
		t.Errorf("a second one: exit %d\n%s", o.code, o.err)
	}
	if o := s.must("restore", "status"); !strings.Contains(o.out, "step 2 of 7, Stop services, by ") {
		t.Errorf("neither name nor step:\n%s", o.out)
	}
	s.killWorker()
	for _, c := range []*seat{zhang, li} {
		c.sees("The worker exited in step 2")
	}
	li.press("R")
	li.sees("Type " + s.live + " to continue")
	li.types(s.live)
	for _, c := range []*seat{zhang, li} {
		c.sees("2 Stop services: a question")
	}
	time.Sleep(600 * time.Millisecond) // the dialog ignores keys that came before it was read
	li.press("k")                      // whose sessions end is said, and takes the name
	li.sees("These sessions are ended")
	li.types(s.live)
	for _, c := range []*seat{zhang, li} {
		c.sees("restored in")
	}
	sameDump(t, good, s.dump())
	report := s.must("restore", "report").out
	for _, want := range []string{"sudo li", "ended session"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
}

// Flags that were left to answer for nobody do so no more once a person at a
// console has taken the restore up: it waits for that person, however long.
func TestTheConsoleTakesTheFlagsAnswersAway(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	hold := s.open()
	s.must("restore", "--confirm", s.live, "--kill-sessions", "--detach")
	first := waitStage(t, s, "ask-quiet")
	folder := restorerun.Store{Dir: filepath.Join(s.dir, "state")}.Folder(first.Restores[0].ID)
	if u, err := folder.Unattended(); err != nil || u == nil || !u.Answers.KillSessions {
		t.Fatalf("left %+v, %v", u, err)
	}
	s.killWorker()
	c := s.sit()
	c.sees("Restore")
	c.press("5")
	c.sees("The worker exited in step 2")
	c.press("R")
	c.sees("2 Stop services: a question")
	if u, err := folder.Unattended(); err != nil || u != nil {
		t.Fatalf("left %+v, %v", u, err)
	}
	if o := s.must("restore", "status"); !strings.Contains(o.out, "It waits until a person answers.") {
		t.Errorf("status says\n%s", o.out)
	}
	time.Sleep(600 * time.Millisecond) // the dialog ignores keys that came before it was read
	c.press("x")
	c.sees("Type " + s.live + " to continue")
	c.types(s.live)
	c.sees("aborted")
	hold.Rollback()
	sameDump(t, damaged, s.dump())
	until(t, "a report and a running service", func() bool {
		_, err := os.Stat(folder.ReportPath())
		return err == nil && s.running()
	})
}

// An undo that is asked for while the worker of the restore is just ending is
// carried out: it waits for that end, and is not left to a worker that is gone.
func TestAnUndoRightAfterTheRestoreIsNotLost(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	id := s.must("restore", "--confirm", s.live, "--json").lastLine(t).ID
	ending, err := lock.Take(
		restorerun.Store{Dir: filepath.Join(s.dir, "state")}.Folder(id).WorkerLock(),
		lock.Holder{User: "worker"},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ending.Release() })
	c := s.sit()
	c.sees("Restore")
	c.press("5")
	c.sees("restored in")
	c.press("Z")
	c.sees("then removed from the live")
	c.types(s.live)
	c.sees("Handing over to the worker")
	ending.Release()
	c.sees("undone")
	sameDump(t, damaged, s.dump())
}
