package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// TestTheForegroundSaysThatItsWorkerIsGone kills the worker right after each of
// its first lines, when it was there a moment ago: the command and attach must end
// and say what to type, and that must work.
func TestTheForegroundSaysThatItsWorkerIsGone(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	store := restorerun.Store{Dir: filepath.Join(s.dir, "state")}
	for _, lines := range []int{1, 2, 4, 7, 10} {
		cmd := s.command("restore", "--confirm", s.live)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before, _ := store.Runs()
		var id string
		until(t, "a worker's lines", func() bool {
			ids, _ := store.Runs()
			if len(ids) == 0 || len(before) > 0 && ids[0] == before[0] {
				return false
			}
			id = ids[0]
			got, err := restorerun.ReadJournal(store.Folder(id).JournalPath())
			return err == nil && len(got) >= lines
		})
		who, held, err := lock.Look(store.Folder(id).WorkerLock())
		if err != nil || !held {
			t.Fatalf("no worker: %v", err)
		}
		syscall.Kill(who.PID, syscall.SIGKILL)
		cmd.Wait() // without end, where it waits for a dead worker
		if code := cmd.ProcessState.ExitCode(); code != 75 || !strings.Contains(errs.String(), "has exited") {
			t.Errorf("after %d lines: exit %d\n%s", lines, code, errs.String())
		}
		advice := s.opsdeck("restore resume " + id)
		if !strings.Contains(errs.String(), advice) {
			t.Errorf("after %d lines: no advice\n%s", lines, errs.String())
		}
		if o := s.run("restore", "attach", id); o.code != 75 || !strings.Contains(o.err, advice) {
			t.Errorf("after %d lines, attach: exit %d\n%s", lines, o.code, o.err)
		}
		s.must("restore", "resume", id) // the advice works
		if o := s.must("restore", "attach", id, "--json"); o.lastLine(t).Result != "restored" {
			t.Errorf("after %d lines, resumed: %s", lines, o.out)
		}
	}
}
