package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestARelativeFolderIsBelowTheFilesFolder, wherever the program was started and
// however the file was named.
func TestARelativeFolderIsBelowTheFilesFolder(t *testing.T) {
	dir := t.TempDir()
	text := "services:\n  - name: shop\n    backup: {dir: backups}\n    logs: [logs/*.log, " +
		"\"journald:shop\"]\nstate_dir: state\n"
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, name := range map[string]string{dir: "c.yaml", filepath.Join(dir, "elsewhere"): "../c.yaml",
		"/": filepath.Join(dir, "c.yaml")} {
		t.Chdir(folder)
		l, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		s := l.Services[0]
		for got, want := range map[string]string{s.Backup.Dir: "backups", s.Logs[0].Path: "logs/*.log",
			l.StateDir: "state"} {
			if got != filepath.Join(dir, want) {
				t.Errorf("in %s, %s: got %s, want %s", folder, name, got, filepath.Join(dir, want))
			}
		}
		if s.Logs[1].Path != "journald:shop" {
			t.Errorf("got %s", s.Logs[1].Path)
		}
	}
}
