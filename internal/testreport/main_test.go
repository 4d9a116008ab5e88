package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "opsdeck/internal/testenv"
)

// TestAGuaranteeIsProvenOnlyByATestThatRan runs the real go command over a module in
// which the test of a guarantee passes, is skipped, is skipped in part, fails, is not
// chosen, or does not compile.
func TestAGuaranteeIsProvenOnlyByATestThatRan(t *testing.T) {
	for _, c := range []struct {
		name, body, choose string
		strict             bool
		code               int
		says               string
	}{
		{name: "passes", body: "", strict: true, code: 0, says: "guarantees: 1 of 1 linked tests ran and passed"},
		{name: "is skipped", body: `t.Skip("no server")`, strict: true, code: 1,
			says: "TestKept of opsdeck/room was skipped: TestKept\n"},
		{name: "may be skipped", body: `t.Skip("no server")`, code: 0,
			says: "guarantees: 0 of 1 linked tests ran and passed"},
		{name: "is skipped in part", body: `t.Run("mysql", func(t *testing.T) { t.Skip("no server") })`, strict: true,
			code: 1,
			says: "was skipped: TestKept/mysql\n"},
		{name: "fails", body: `t.Error("a row is lost")`, code: 1, says: "a row is lost"},
		{name: "panics", body: `panic("out of range")`, code: 1, says: "out of range"},
		{name: "does not run", choose: "TestOther", code: 1, says: "TestKept of opsdeck/room did not run"},
		{name: "does not compile", body: "missing()", code: 1, says: "undefined: missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "go.mod", "module opsdeck\n\ngo 1.26\n")
			write(t, dir, "README.md", "| nothing is lost | [`TestKept`](room/kept_test.go) |\n")
			write(t, dir, "room/kept_test.go", "package room\n\nimport \"testing\"\n\nfunc TestKept(t *testing.T) {\n"+
				c.body+"\n}\n\nfunc TestOther(t *testing.T) {}\n")
			cmd := exec.Command("go", "test", "-vet=off", "-json", "-run", c.choose, "./...")
			cmd.Dir = dir
			events, _ := cmd.Output() // it fails where the test does
			var out strings.Builder
			code := run(strings.NewReader(string(events)), &out, []string{filepath.Join(dir, "README.md")}, c.strict)
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, c.code, c.says, out.String())
			}
		})
	}
}

// TestAPageWithoutLinksIsRefused: a page whose links can no longer be read guarantees nothing.
func TestAPageWithoutLinksIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "README.md", "Everything is guaranteed.\n")
	var out strings.Builder
	if code := run(strings.NewReader(""), &out, []string{filepath.Join(dir, "README.md")}, true); code != 1 {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
