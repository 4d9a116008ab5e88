package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// TestARunThatCannotBeReadCountsAsUnfinished damages a run in every way and asks
// all who ask: status, a second restore, prune. The way out works.
func TestARunThatCannotBeReadCountsAsUnfinished(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.must("restore", "--confirm", s.live)
	store := restorerun.Store{Dir: filepath.Join(s.dir, "state")}
	ids, err := store.Runs()
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	f := store.Folder(ids[0])
	for name, damage := range map[string]func(){
		"another version":    func() { swapText(t, f.PlanPath(), `"format_version": 1`, `"format_version": 99`) },
		"no JSON":            func() { put(t, f.PlanPath(), "{") },
		"no plan":            func() { os.Remove(f.PlanPath()) },
		"plan is a folder":   func() { os.Remove(f.PlanPath()); os.Mkdir(f.PlanPath(), 0o700) },
		"journal is damaged": func() { swapText(t, f.JournalPath(), `"seq":2`, `"seq":7`) },
		"journal is empty":   func() { put(t, f.JournalPath(), "") },
		"journal is a link":  func() { os.Remove(f.JournalPath()); os.Symlink("journal.jsonl", f.JournalPath()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			kept := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(kept, os.DirFS(f.Path)); err != nil {
				t.Fatal(err)
			}
			defer func() {
				os.RemoveAll(f.Path)
				os.CopyFS(f.Path, os.DirFS(kept))
			}()
			damage()
			if o := s.run("status", "--only", "restore"); o.code != 2 || strings.Contains(o.out, "no restore running") {
				t.Errorf("status: exit %d\n%s%s", o.code, o.out, o.err)
			}
			if o := s.run("restore", "--confirm", s.live); o.code != 75 ||
				!strings.Contains(o.err, "set-aside "+ids[0]) {
				t.Errorf("a second restore: exit %d\n%s", o.code, o.err)
			}
			if name == "no JSON" { // once is enough: it makes a backup
				o := s.run("backup", "create")
				if o.code != 0 || !strings.Contains(o.out+o.err, "whether the database is whole is unknown") {
					t.Errorf("a backup does not name it: exit %d\n%s%s", o.code, o.out, o.err)
				}
				s.newestIs("unverified")
				s.must("backup", "verify")
				s.newestIs("unverified")
			}
			if o := s.run("backup", "prune", "--dry-run", "--json"); !strings.Contains(o.out+o.err, ids[0]) {
				t.Errorf("prune does not say so: exit %d\n%s%s", o.code, o.out, o.err)
			}
			if o := s.run("restore", "status"); !strings.Contains(o.out, ids[0]+" cannot be read") {
				t.Errorf("restore status:\n%s%s", o.out, o.err)
			}
			for _, verb := range []string{"resume", "abort", "attach"} {
				if o := s.run("restore", verb); o.code != 75 || !strings.Contains(o.err, "set-aside "+ids[0]) {
					t.Errorf("restore %s: exit %d\n%s", verb, o.code, o.err)
				}
			}
			if o := s.run("restore", "set-aside", ids[0]); o.code != 64 {
				t.Errorf("set aside without confirmation: exit %d\n%s", o.code, o.err)
			}
			s.must("restore", "set-aside", ids[0], "--confirm", ids[0])
			if o := s.run("status", "--only", "restore"); o.code != 0 {
				t.Errorf("status afterwards: exit %d\n%s", o.code, o.out)
			}
			os.RemoveAll(f.Path + ".aside")
		})
	}
	if o := s.run("restore", "set-aside", ids[0], "--confirm", ids[0]); o.code != 1 {
		t.Errorf("a readable run is set aside: exit %d\n%s", o.code, o.err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func swapText(t *testing.T, path, old, text string) {
	t.Helper()
	was, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(was), old) {
		t.Fatalf("%v: no %s in %s", err, old, path)
	}
	put(t, path, strings.Replace(string(was), old, text, 1))
}

// newestIs compares the state of the newest backup: one that was made while a restore could
// not be read is never good, whatever its file is like.
func (s *realSite) newestIs(state string) {
	s.t.Helper()
	var doc backupListJSON
	if err := json.Unmarshal([]byte(s.must("backup", "list", "--json").out), &doc); err != nil {
		s.t.Fatal(err)
	}
	last := len(doc.Backups) - 1
	if last < 1 || string(doc.Backups[0].State) != state || string(doc.Backups[last].State) != "good" {
		s.t.Errorf("the newest backup is not %s: %+v", state, doc.Backups)
	}
}
