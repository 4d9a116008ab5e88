package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestChmodLeavesABackupGood: metadata prove nothing, for or against.
func TestChmodLeavesABackupGood(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(
		t,
		db,
		"CREATE TABLE customers (id INT PRIMARY KEY)",
		"CREATE TABLE orders (id INT PRIMARY KEY)",
		"INSERT INTO customers VALUES (1), (2)",
	)
	sh := newNightly(t, s, db, "")
	var m backupCreateJSON
	sh.run(0, &m, "backup", "create", "--json")
	path := filepath.Join(sh.dir, m.Name)
	chmod := func(mode os.FileMode) {
		for _, p := range []string{path, path + ".manifest.json"} {
			if err := os.Chmod(p, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	state := func() backupListJSON {
		var list backupListJSON
		sh.run(0, &list, "backup", "list", "--json")
		return list
	}
	chmod(0o640)
	sh.run(0, nil, "status", "--only", "backup")
	if list := state(); list.NewestGood == nil || list.Backups[0].State != "good" {
		t.Errorf("after Status: %+v", list)
	}
	chmod(0o600)
	if list := state(); list.NewestGood == nil || list.Backups[0].State != "good" {
		t.Errorf("list: %+v", list)
	}
	chmod(0o640)
	if text := sh.run(0, nil, "backup", "list"); strings.Contains(text, "metadata") {
		t.Errorf("list: %s", text)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	os.WriteFile(path, text, 0o640)
	os.Chtimes(path, info.ModTime(), info.ModTime())
	if list := state(); list.NewestGood != nil || list.Backups[0].State != "bad" {
		t.Errorf("a byte: %+v", list)
	}
	if text := sh.run(2, nil, "status", "--only", "backup"); !strings.Contains(text, "no good backup") {
		t.Errorf("Status: %s", text)
	}
}
