package restores

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestADumpsDateComesFromItsName, for a copy changes the file's own time.
func TestADumpsDateComesFromItsName(t *testing.T) {
	old := time.Date(2020, 2, 3, 4, 5, 6, 0, time.Local)
	for name, want := range map[string]time.Time{
		"qianzhang_sales_20260129_020000.sql.gz":  time.Date(2026, 1, 29, 2, 0, 0, 0, time.Local),
		"emergency_backup_20260129_101500.sql.gz": time.Date(2026, 1, 29, 10, 15, 0, 0, time.Local),
		"dump.sql": old,
	} {
		path := filepath.Join(t.TempDir(), name)
		os.WriteFile(path, nil, 0o600)
		os.Chtimes(path, old, old)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := dateOf(name, info); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
