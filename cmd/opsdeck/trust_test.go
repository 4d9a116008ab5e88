package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestWhatOthersMayWriteIsRefused: a configuration, a state folder, a backup
// folder that others may write, and a lock that is a link, end a backup with 78
// and the command that mends it; nothing is written through a link.
func TestWhatOthersMayWriteIsRefused(t *testing.T) {
	config, _, dir := aShop(t, testdb.MariaDB(t))
	backups, state := filepath.Join(dir, "backups"), filepath.Join(dir, "state")
	victim, lock := filepath.Join(dir, "victim"), filepath.Join(state, "locks", "backup.lock")
	for _, path := range []string{backups, filepath.Dir(lock)} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(victim, []byte("precious"), 0o600)
	for _, c := range []struct {
		name     string
		put, end func() error
		advice   string
	}{
		{"configuration", func() error { return os.Chmod(config, 0o666) },
			func() error { return os.Chmod(config, 0o600) }, "chmod go-w " + config},
		{"state folder", func() error { return os.Chmod(state, 0o777) }, func() error { return os.Chmod(state, 0o700) },
			"chmod go-w " + state},
		{"backup folder", func() error { return os.Chmod(backups, 0o777) },
			func() error { return os.Chmod(backups, 0o700) }, "chmod go-w " + backups},
		{"lock", func() error { return os.Symlink(victim, lock) }, func() error { return os.Remove(lock) }, "rm " +
			lock},
		{"record", func() error { return os.Symlink(victim, filepath.Join(state, "operations.jsonl")) },
			func() error { return os.Remove(filepath.Join(state, "operations.jsonl")) }, "rm " + filepath.Join(state, "operations.jsonl")},
	} {
		if err := c.put(); err != nil {
			t.Fatal(err)
		}
		_, errs := asked(t, config, 78, "backup", "create")
		if !strings.Contains(errs, c.advice+"\n") {
			t.Errorf("%s: %s", c.name, errs)
		}
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
	}
	if text, _ := os.ReadFile(victim); string(text) != "precious" {
		t.Errorf("the victim holds %q", text)
	}
	os.Chmod(backups, 0o755)
	if _, errs := asked(t, config, 0, "backup", "create"); !strings.Contains(errs, "chmod 700 "+backups) {
		t.Errorf("an open folder is not told: %s", errs)
	}
	aStateFolderThatIsNone(t, config, state)
}

// aStateFolderThatIsNone: what is in a file's place or behind a link to nowhere is unread, not
// absent. Nobody is told that no restore is under way.
func aStateFolderThatIsNone(t *testing.T, config, state string) {
	t.Helper()
	for name, put := range map[string]func() error{
		"file": func() error { return os.WriteFile(state, nil, 0o600) },
		"link": func() error { return os.Symlink(filepath.Join(state+"2", "gone"), state) },
	} {
		if err := errors.Join(os.RemoveAll(state), put()); err != nil {
			t.Fatal(err)
		}
		for _, verb := range [][]string{{"backup", "create"}, {"restore", "status"}, {"operations"}, {"alerts"}} {
			out, errs := asked(t, config, 78, verb...)
			if !strings.Contains(errs, state+" is not a folder, or its link leads nowhere\n") ||
				!strings.Contains(errs, "ls -ld "+state+"; ") || out != "" {
				t.Errorf("%s: %v: %s%s", name, verb, out, errs)
			}
		}
		if out, _ := asked(t, config, 2, "status", "--only", "disk-state,restore"); !strings.Contains(out,
			"cannot write to its state folder "+state) || !strings.Contains(out, "cannot check the restores") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
