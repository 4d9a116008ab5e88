package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// Archived binlog that ends before the oldest backup is removed even if no backup is: the
// plan names it first, and only a confirmed one removes it. The log that the oldest backup
// needs stays.
func TestPruneRemovesBinlogWithoutBackupsToRemove(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, "", "FLUSH BINARY LOGS")
		s.must("backup", "binlog", "fetch")
		oldest := s.logFrom()
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('later')")...)
		db.Exec(t, "", "FLUSH BINARY LOGS")
		s.must("backup", "binlog", "fetch")
		if o := s.must("backup", "prune"); strings.Contains(o.out+o.err, "end before the oldest") ||
			s.logFrom() != oldest {
			t.Fatalf("young binlog: %s%s", o.out, o.err)
		}
		aside := s.damagedBeside(oldest)
		if o := s.must("backup", "binlog", "list"); !strings.Contains(o.out, "unusable files that were set aside: 1, 1 B, in ") {
			t.Errorf("what was set aside is not told:\n%s", o.out)
		}
		ageArchive(t, filepath.Join(s.dir, "backups", "binlog"), 3*time.Hour)
		var doc backupPruneJSON
		o := s.must("backup", "prune", "--dry-run", "--json")
		if err := json.Unmarshal([]byte(o.out), &doc); err != nil || len(doc.Binlog) == 0 ||
			!strings.HasPrefix(doc.Binlog[0].Name, oldest) || doc.Binlog[0].SizeBytes == 0 || s.logFrom() != oldest {
			t.Fatalf("%v %+v, the log begins with %s", err, doc.Binlog, s.logFrom())
		}
		if o := s.run("backup", "prune"); o.code == 0 || s.logFrom() != oldest {
			t.Fatalf("without --confirm: exit %d, the log begins with %s\n%s%s", o.code, s.logFrom(), o.out, o.err)
		}
		o = s.must("backup", "prune", "--confirm", s.live)
		if !strings.Contains(o.out, "end before the oldest backup that is kept") ||
			!strings.Contains(o.err, "removed the binlog file "+oldest) {
			t.Errorf("%s%s", o.out, o.err)
		}
		if o := s.must("operations"); !strings.Contains(o.out, "backup.prune") {
			t.Errorf("not on record:\n%s", o.out)
		}
		if s.logFrom() == oldest {
			t.Error("the binlog before the oldest backup is still there")
		}
		if o := s.must("backup", "prune"); strings.Contains(o.out+o.err, "end before the oldest backup") {
			t.Errorf("a second prune: %s%s", o.out, o.err)
		}
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was set aside before the oldest backup is still there: %v", err)
		}
		s.must("restore", "--until", "now", "--plan") // the oldest backup can still be rolled forward
	})
}

// damagedBeside puts a file beside an archived one as the archive sets a damaged one aside, written
// three hours ago.
func (s *realSite) damagedBeside(file string) (path string) {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "backups", "binlog", "*", file+"*"))
	if err != nil || len(found) == 0 {
		s.t.Fatalf("%s is not in the archive: %v", file, err)
	}
	path = filepath.Join(filepath.Dir(found[0]), file+".zst.part.damaged")
	at := time.Now().Add(-3 * time.Hour)
	if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chtimes(path, at, at)); err != nil {
		s.t.Fatal(err)
	}
	return path
}
