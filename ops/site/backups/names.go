package backups

import (
	"opsdeck/ops/backup"
	"os"
	"path/filepath"
	"strings"
)

// NamesIn are the backups in a folder, by their names alone.
func NamesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if _, ok := backup.ParseName(e.Name(), backup.Known{}); ok {
			out = append(out, e.Name())
		}
	}
	return out
}

// TablesIn are the tables in the manifest that was written last.
func TablesIn(dir string) []string {
	var newest os.FileInfo
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), backup.ManifestSuffix) {
			continue
		}
		info, err := e.Info()
		if err == nil && (newest == nil || info.ModTime().After(newest.ModTime())) {
			newest = info
		}
	}
	if newest == nil {
		return nil
	}
	m, err := backup.ReadManifest(filepath.Join(dir, strings.TrimSuffix(newest.Name(), backup.ManifestSuffix)))
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range m.Tables {
		out = append(out, t.Name)
	}
	return out
}
