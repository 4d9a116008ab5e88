package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"

	restorerun "opsdeck/ops/restore/run"
)

// TestARestoreWhoseWorkerDidNotStartSaysSo: its plan was confirmed and saved, and the
// worker ended before its first line. Each verb says what happened and what to do, and
// what it says works.
func TestARestoreWhoseWorkerDidNotStartSaysSo(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	var p restore.Plan
	if err := json.Unmarshal([]byte(s.must("restore", "--plan", "--json").out), &p); err != nil {
		t.Fatal(err)
	}
	f, err := restorerun.Store{Dir: filepath.Join(s.dir, "state")}.Save(&p)
	if err != nil {
		t.Fatal(err)
	}
	why := "opsdeck: the state folder is full\n"
	if err := os.WriteFile(f.WorkerLog(), []byte(why), 0o600); err != nil {
		t.Fatal(err)
	}
	status := s.must("restore", "status")
	for _, want := range []string{"did not start; nothing was changed", "the state folder is full",
		s.opsdeck("restore set-aside " + p.ID)} {
		if !strings.Contains(status.out, want) {
			t.Errorf("status does not say %q:\n%s", want, status.out)
		}
	}
	var doc struct {
		Restores []struct {
			Unstarted, Running bool
			Why                []string
		}
	}
	if err := json.Unmarshal([]byte(s.must("restore", "status", "--json").out), &doc); err != nil {
		t.Fatal(err)
	}
	if r := doc.Restores; len(r) != 1 || !r[0].Unstarted || r[0].Running || len(r[0].Why) != 1 {
		t.Errorf("%+v", doc)
	}
	for _, verb := range []string{"attach", "resume", "abort", "undo"} {
		o := s.refuses("did not start, and nothing was changed: the state folder is full", "restore", verb, p.ID)
		if !strings.Contains(o.err, s.opsdeck("restore set-aside "+p.ID)) {
			t.Errorf("%s does not say what to do:\n%s", verb, o.err)
		}
	}
	s.must("restore", "set-aside", p.ID, "--confirm", p.ID)
	if o := s.must("restore", "status"); strings.Contains(o.out, p.ID) {
		t.Errorf("it is still listed:\n%s", o.out)
	}
	s.must("restore", "--confirm", s.live)
	if o := s.must("restore", "status"); strings.Contains(o.out, "did not start") {
		t.Errorf("a restore that ended is called unstarted:\n%s", o.out)
	}
}
