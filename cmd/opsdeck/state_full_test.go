package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAFullDiskOfTheStateFolder: Status says critical, and what changes something names
// the disk and the next step. Prune makes room where backups are on that disk.
func TestAFullDiskOfTheStateFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	state := s.smallFolder(t, "state")
	s.amend("keep: {daily: 7}", "keep: {daily: 1, manual: 1}")
	s.amend("health: {", "health: {disk_free: 0.001, ")
	s.must("backup", "create")
	if got := s.stateOfDisk(); got != "ok" {
		t.Fatalf("with room: %s", got)
	}
	s.printsToAFullDisk()
	if err := os.Remove(filepath.Join(state, "operations.jsonl")); err != nil { // its last block has room
		t.Fatal(err)
	}
	filler := fillDisk(t, state, 0)
	if got := s.stateOfDisk(); got != "critical" {
		t.Errorf("on a full disk: %s", got)
	}
	if o := s.run("status"); o.code != 2 || !strings.Contains(o.out, "cannot write to its state folder "+state) {
		t.Errorf("exit %d\n%s", o.code, o.out)
	}
	if o := s.run("doctor"); o.code != 2 || !strings.Contains(o.out, "the disk of "+state+" is full") {
		t.Errorf("exit %d\n%s", o.code, o.out)
	}
	for _, args := range [][]string{{"backup", "create"}, {"restore", "--confirm", s.live}} {
		o := s.run(args...)
		if o.code != 1 || !strings.Contains(o.err, "the disk of "+state) ||
			strings.Count(o.err, "no space left") != 1 || !strings.Contains(o.err, "→ free space on it: opsdeck") {
			t.Errorf("%v: exit %d\n%s", args, o.code, o.err)
		}
	}
	if o := s.run("restore", "status"); strings.Contains(o.out, "not started") || !s.running() {
		t.Errorf("a restore that never began:\n%s", o.out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.prunesOnAFullDisk(state)
}

// printsToAFullDisk: results that cannot be written are never lost with exit 0.
func (s *realSite) printsToAFullDisk() {
	s.t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer full.Close()
	for _, line := range []string{"restore lost", "restore lost --json", "restore status",
		"backup list", "backup list --json", "backup prune --dry-run", "operations", "config show", "status", "doctor",
		"--help", "logs --source -", "runbook restore"} {
		cmd := s.command(strings.Fields(line)...)
		var errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("2026-01-29 12:00:00 x\n"), full, &errs
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(),
			"the output is incomplete: it could not be written (no space left on device)\n  → free space where it goes") {
			s.t.Errorf("%s: exit %d\n%s", line, code, errs.String())
		}
	}
}

// stateOfDisk is what Status says of the state folder's disk.
func (s *realSite) stateOfDisk() string {
	s.t.Helper()
	var doc struct {
		Checks []struct{ Name, State string }
	}
	out := s.run("status", "--json", "--only", "disk-state").out
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Checks) != 1 {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return doc.Checks[0].State
}

// prunesOnAFullDisk: backups and records share a full disk, and prune goes on record.
func (s *realSite) prunesOnAFullDisk(disk string) {
	s.t.Helper()
	dir := filepath.Join(disk, "backups")
	s.amend("dir: "+filepath.Join(s.dir, "backups"), "dir: "+dir)
	for range 3 {
		s.must("backup", "create")
	}
	fillDisk(s.t, disk, 0)
	before, _ := os.ReadDir(dir)
	o := s.must("backup", "prune", "--confirm", s.live)
	if after, _ := os.ReadDir(dir); len(after) >= len(before) {
		s.t.Fatalf("%d files, %d after the prune\n%s%s", len(before), len(after), o.out, o.err)
	}
	if text := s.must("operations", "--verify").out; !strings.Contains(text, "backup.prune") {
		s.t.Errorf("the prune is not on record:\n%s", text)
	}
}
