package checks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/ops/site"
)

// TestAManifestThatCannotBeReadIsNoMissingBackup: where the only backup's manifest is
// damaged and no key tables are configured, the check says so instead of "no backup".
func TestAManifestThatCannotBeReadIsNoMissingBackup(t *testing.T) {
	dir := t.TempDir()
	s := config.DefaultService()
	s.Name, s.Database.Name, s.Backup.Dir, s.Restore.KeyTables = "q", "q", filepath.Join(dir, "backups"), nil
	if err := os.Mkdir(s.Backup.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	look := inventory{Source{
		Service: s,
		Now:     time.Now,
		Site: func() (*site.Site, error) {
			all := &config.Config{Services: []config.Service{s}}
			return &site.Site{Service: &s, All: &config.Loaded{Config: all}, StateDir: dir,
				Clock: clock.Real{}, Getenv: os.Getenv}, nil
		},
	}}
	tables, by, err := look.tables(t.Context())
	if err != nil || len(tables) > 0 || !by.Empty() {
		t.Errorf("no backup: %v %s %v", tables, by, err)
	}
	file := filepath.Join(s.Backup.Dir, "q_20260102_020000.sql.gz")
	for path, text := range map[string]string{file: strings.Repeat("x", 100), file + ".manifest.json": "{"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = look.tables(t.Context())
	if err == nil || !strings.Contains(err.Error(), "q_20260102_020000.sql.gz: its manifest cannot be trusted") {
		t.Errorf("a damaged manifest: %v", err)
	}
	s.Restore.KeyTables = []string{"orders"}
	look.Service = s
	tables, by, err = look.tables(t.Context())
	if err != nil || len(tables) != 1 || by.String() != "the configuration" {
		t.Errorf("with key tables: %v %s %v", tables, by, err)
	}
}
