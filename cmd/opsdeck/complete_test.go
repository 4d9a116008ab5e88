package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shelfToComplete is a configuration with names to complete, and nothing that answers.
func shelfToComplete(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"backups/shop_20260101_020000.sql.gz", "backups/weekly_shop_20260104_020000.sql.gz",
		"backups/notes.txt", "backups/shop_20260102_020000.sql.gz; rm -rf x",
		"state/restores/20260101-020000/plan.json",
		"logs/shop-out.log", "logs/shop-error.log"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "c.yaml")
	text := fmt.Sprintf(`services:
  - name: shop
    health: {url: "http://192.0.2.1:3000"}
    database: {name: shop, host: 192.0.2.1}
    process: {kind: none}
    logs: ["%[1]s/logs/*.log"]
    backup: {dir: %[1]s/backups}
  - name: mall
    database: {name: mall, host: 192.0.2.1}
    process: {kind: none}
    backup: {dir: %[1]s/none}
state_dir: %[1]s/state
`, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func completes(t *testing.T, line string) []string {
	t.Helper()
	t.Setenv("COMP_LINE", line)
	var out, errs bytes.Buffer
	code := run(context.Background(), nil, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	if code != 0 || errs.Len() > 0 {
		t.Errorf("%q: exit %d, says %q", line, code, errs.String())
	}
	return strings.Fields(out.String())
}

func TestCompletionGivesFlagsAndNames(t *testing.T) {
	config := shelfToComplete(t)
	with := "opsdeck --config " + config + " "
	backups := []string{"shop_20260101_020000.sql.gz", "weekly_shop_20260104_020000.sql.gz"}
	for line, want := range map[string][]string{
		"opsdeck resto":                              {"restore"},
		"opsdeck restore ab":                         {"abort"},
		"opsdeck restore --fr":                       {"--from", "--from-schema"},
		"opsdeck restore run --mode ":                {"in-place", "swap"},
		"opsdeck --lang=z":                           {"zh"},
		"opsdeck runbook mysql":                      {"mysql-down"},
		with + "restore --from ":                     backups,
		with + "restore --from week":                 backups[1:],
		with + "restore --from=week":                 backups[1:],
		with + "backup show ":                        backups,
		with + "backup verify shop_":                 backups[:1],
		with + "restore report ":                     {"20260101-020000"},
		with + "logs --source ":                      {"shop-error.log", "shop-out.log"},
		with + "--service m":                         {"mall"},
		with + "--service mall backup show ":         nil,
		with + "status --only redis,mys":             {"redis,mysql"},
		with + "restore --confirm ":                  nil, // what confirms is typed
		"opsdeck --config /nosuch.yaml backup show ": nil,
		"opsdeck backup nosuch ":                     nil,
		with + `backup show "shop_`:                  backups[:1],
	} {
		if got := completes(t, line); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}

// TestCompletionDoesNotWait: a folder that does not answer gives no names, soon.
func TestCompletionDoesNotWait(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "c.yaml")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip("no mkfifo")
	}
	begun := time.Now()
	if got := completes(t, "opsdeck --config "+fifo+" backup show "); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("took %s", took)
	}
}

// TestCompletionOfAShell lets bash complete by the code that is printed for it.
func TestCompletionOfAShell(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete ", "zsh": "bashcompinit",
		"fish": "__opsdeck_complete"} {
		var out, errs bytes.Buffer
		code := run(
			context.Background(),
			[]string{"completion", shell},
			stdio{in: strings.NewReader(""), out: &out, err: &errs},
		)
		if code > 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit %d\n%s%s", shell, code, out.String(), errs.String())
		}
	}
}
