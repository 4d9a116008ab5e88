package run

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"opsdeck/internal/oplog"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
)

// TestStateFilesOfEachFormatVersionAreRead: testdata/formats has the files that a version
// of the program wrote for a restore and its undo, its backup and its drills. Later
// versions read all of it with the same result, so an upgrade loses nothing.
func TestStateFilesOfEachFormatVersionAreRead(t *testing.T) {
	versions, err := filepath.Glob("../../../testdata/formats/v*")
	if err != nil || len(versions) != max(restore.PlanVersion, backup.ManifestVersion) {
		t.Fatalf("%v, %v: keep files of each format version", versions, err)
	}
	for _, kept := range versions {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		readsState(t, dir)
	}
}

func readsState(t *testing.T, dir string) {
	t.Helper()
	store := Store{Dir: dir}
	ids, err := store.Runs()
	if err != nil || len(ids) != 1 {
		t.Fatalf("%s: runs %v, %v", dir, ids, err)
	}
	run, err := store.Load(ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := run.State.Result(); got != "undone" || run.Open() || run.Plan.Target.Database != "qianzhang_sales" {
		t.Errorf("the run ended %q, open %v, of %+v", got, run.Open(), run.Plan.Target)
	}
	m, err := backup.ReadManifest(filepath.Join(dir, "backup"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Databases[0] != "qianzhang_sales" || len(m.Tables) != 8 || m.Rows() == 0 || len(m.Members) == 0 {
		t.Errorf("manifest of %v, %d tables, %d rows", m.Databases, len(m.Tables), m.Rows())
	}
	drills, err := backup.Drills(dir, "qianzhang_sales")
	if err != nil || len(drills) != 5 || drills[0].RestoreMS == 0 {
		t.Errorf("drills %+v, %v", drills, err)
	}
	record := oplog.Log{Dir: dir}
	entries, problems, err := record.Read()
	if err != nil || len(problems) > 0 || len(entries) != 6 || entries[0].Action == "" {
		t.Errorf("%d operations, problems %v, %v", len(entries), problems, err)
	}
	text, err := os.ReadFile(store.Folder(ids[0]).ReportJSONPath())
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Result string }
	if err := json.Unmarshal(text, &report); err != nil || report.Result != "undone" {
		t.Errorf("report %q, %v", report.Result, err)
	}
}
