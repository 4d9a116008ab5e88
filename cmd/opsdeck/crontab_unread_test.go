package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestACrontabThatCannotBeReadIsNotAnEmptyOne: nobody is told that no schedule is
// installed, and nothing is written over what may be in it. A user without one is told by
// each cron in its own words.
func TestACrontabThatCannotBeReadIsNotAnEmptyOne(t *testing.T) {
	s := testdb.MariaDB(t)
	sh := newNightly(t, s, s.Schema(t), "")
	bin := t.TempDir()
	written := filepath.Join(bin, "written")
	says := func(text string) {
		t.Helper()
		script := "#!/bin/sh\n[ \"$1\" = - ] && { cat >'" + written + "'; exit 0; }\necho \"" + text +
			"\" >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(bin, "crontab"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	refused := func(want string, args ...string) {
		t.Helper()
		text := sh.run(1, nil, args...)
		if !strings.Contains(text, want) || strings.Contains(text, "no schedule is installed") {
			t.Errorf("%v:\n%s", args, text)
		}
		if _, err := os.Stat(written); err == nil {
			t.Fatalf("%v wrote the crontab", args)
		}
	}
	says("crontab: can't open your crontab file: Permission denied")
	unread := "the crontab cannot be read"
	refused("it is unknown whether a schedule is installed", "backup", "schedule", "show")
	refused(`"installed": "unknown"`, "backup", "schedule", "show", "--json")
	refused(unread, "backup", "schedule", "install", "--with", "cron")
	refused(unread, "backup", "schedule", "install", "--with", "cron", "--replace", "--dry-run")
	refused(unread, "backup", "schedule", "remove")
	refused("cannot be read", "watch", "install", "--with", "cron")
	for _, none := range []string{"no crontab for root", "crontab: can't open 'root': No such file or directory",
		"/var/spool/cron: mkdir: No such file or directory"} {
		says(none)
		if text := sh.run(0, nil, "backup", "schedule", "show"); !strings.Contains(text, "no schedule is installed") {
			t.Errorf("%s:\n%s", none, text)
		}
	}
	sh.run(0, nil, "backup", "schedule", "install", "--with", "cron")
	if text, err := os.ReadFile(written); err != nil || !strings.Contains(string(text), "schedule run") {
		t.Errorf("%s %v", text, err)
	}
}
