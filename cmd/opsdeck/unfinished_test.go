package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAnotherInstallationsKilledBackupIsSwept: what a backup of an opsdeck with another
// state folder leaves in a shared folder is listed, and removed with a word once that
// one is gone, but never while it writes.
func TestAnotherInstallationsKilledBackupIsSwept(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	s.db.Exec(t, s.live, "CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT)", "INSERT INTO big (t) SELECT "+
		"REPEAT(MD5(seq), 60) FROM seq_1_to_2000")
	other := s.elsewhere()
	pattern := filepath.Join(s.dir, "backups", "*.tmp")
	unfinished := func() []string { found, _ := filepath.Glob(pattern); return found }
	slow := other.command("backup", "create", "--throttle", "50K")
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the file that is written", func() bool { return len(unfinished()) > 0 })
	half := filepath.Base(unfinished()[0])
	if o := s.must("backup", "list"); !strings.Contains(o.err, half) || !strings.Contains(o.err, "is being written") {
		t.Errorf("while it is written: %s", o.err)
	}
	if o := s.must("backup", "create"); strings.Contains(o.err, half) || len(unfinished()) != 1 {
		t.Errorf("a file in work is swept: %s", o.err)
	}
	slow.Process.Kill()
	slow.Wait()
	manifest := filepath.Join(s.dir, "backups", strings.TrimSuffix(half, ".tmp")+".manifest.json.tmp")
	if err := os.WriteFile(manifest, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := s.must("backup", "list"); !strings.Contains(o.err, half+" (") ||
		!strings.Contains(o.err, "the next backup removes it") {
		t.Errorf("after the kill: %s", o.err)
	}
	o := s.must("backup", "create")
	for _, name := range []string{half, filepath.Base(manifest)} {
		if !strings.Contains(o.err, "removing "+name) {
			t.Errorf("%s goes without a word: %s", name, o.err)
		}
	}
	if left := unfinished(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
