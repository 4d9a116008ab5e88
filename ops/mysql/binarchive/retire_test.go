package binarchive

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// TestWhatNoBackupNeedsGoesAndTheRestGoesOn: only the oldest file ends before the backup.
func TestWhatNoBackupNeedsGoesAndTheRestGoesOn(t *testing.T) {
	s := testdb.Private(t, "mariadb")
	o := optionsFor(t, s)
	db := s.Schema(t)
	for i := range 3 {
		workload(t, s, db, i*3, i*3+3)
		s.Exec(t, "", "FLUSH BINARY LOGS")
	}
	fetch(t, o)
	all := segments(t, o)
	manifest := filepath.Join(o.Folder.Dir, all[0].Server, manifestName)
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`"to_time":"[^"]*"`).FindIndex(text)
	text = append(
		append(append([]byte{}, text[:first[0]]...), `"to_time":"2020-01-01T00:00:00Z"`...),
		text[first[1]:]...)
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	gone, err := o.Folder.Surplus(time.Time{}, nil)
	if err != nil || len(gone) != 0 {
		t.Fatalf("without a backup %d go, %v", len(gone), err)
	}
	if gone, err = o.Folder.Surplus(time.Now(), &binlog.Position{File: all[0].File}); err != nil || len(gone) != 0 {
		t.Fatalf("the file that the backup stands in: %d go, %v", len(gone), err)
	}
	if gone, err = o.Folder.Surplus(time.Now(), nil); err != nil || len(gone) != 1 || gone[0].File != all[0].File {
		t.Fatalf("%d go, %v", len(gone), err)
	}
	if err := o.Folder.Remove(gone[0]); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]time.Time{"old": time.Now().Add(-24 * time.Hour), "new": time.Now()} {
		path := filepath.Join(filepath.Dir(manifest), name+".zst.part"+damagedSuffix)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	gone, err = o.Folder.Surplus(time.Now(), nil)
	if err != nil || len(gone) != 1 || gone[0].Name != "old.zst.part"+damagedSuffix {
		t.Fatalf("of those set aside %+v go, %v", gone, err)
	}
	if err := o.Folder.Remove(gone[0]); err != nil {
		t.Fatal(err)
	}
	if aside, err := o.Folder.Aside(all[0].Server); err != nil || len(aside) != 1 {
		t.Fatalf("%+v, %v", aside, err)
	}
	workload(t, s, db, 9, 12)
	fetch(t, o)
	left := segments(t, o)
	spans, gaps := binlog.Spans(left)
	if len(left) != len(all)-1 || len(spans) != 1 || len(gaps) != 0 {
		t.Fatalf("%d files, %d spans, %d gaps", len(left), len(spans), len(gaps))
	}
	sameAsServer(t, s, o)
}
