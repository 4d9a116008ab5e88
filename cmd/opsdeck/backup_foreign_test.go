package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// The rows in a manifest of the server's own tool are those of its text, in the form of
// either tool.
func TestOwnToolsRowsAreCounted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		config, schema, _ := aShop(t, srv)
		srv.Exec(t, schema, "CREATE TABLE none (a INT)", "CREATE TABLE odd (a TEXT, b BLOB, g INT AS (1))",
			"INSERT INTO odd (a, b) VALUES ('),(''x'');\nINSERT INTO odd VALUES (1)', 0x28292c27), (NULL, NULL)")
		useTool(t, "exec '"+srv.Tool(t, "mysqldump")+"' \"$@\"")
		out, _ := asked(t, config, 0, "backup", "create", "--engine", "mysqldump", "--json")
		var made struct {
			Name         string
			Rows, Tables int
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil || made.Rows != 5 || made.Tables != 4 {
			t.Errorf("%v: %s", err, out)
		}
		if out, errs := asked(t, config, 0, "backup", "verify", "--deep", made.Name); !strings.Contains(
			out+errs,
			made.Name,
		) {
			t.Errorf("%s %s", out, errs)
		}
		side := schema + "_side"
		srv.Exec(t, "", "DROP DATABASE IF EXISTS "+side)
		defer srv.Exec(t, "", "DROP DATABASE IF EXISTS "+side)
		out, errs := asked(t, config, 0, "restore", "--from", made.Name, "--to", side, "--confirm", side)
		if want := "4 of 4 tables have as many rows as the manifest; it has no checksum for 4 of them: their values were not compared"; !strings.Contains(
			out+errs,
			want,
		) {
			t.Errorf("%s %s, want %q", out, errs, want)
		}
	})
}

// useTool puts a script in the place of both dump tools.
func useTool(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"mysqldump", "mariadb-dump"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// A backup that is killed takes the server's tool with it and leaves no password; what
// it leaves is listed, and gone after the next backup.
func TestAKilledBackupLeavesNoChildAndNoSecret(t *testing.T) {
	srv := testdb.MariaDB(t)
	config, _, dir := aShop(t, srv)
	pidFile, tmp := filepath.Join(dir, "pid"), t.TempDir()
	useTool(t, fmt.Sprintf(`[ "$1" = --version ] && exit
grep -q '^password="%s"' /dev/fd/3 || exit 9
echo $$ > %s.tmp && mv %s.tmp %s
exec sleep 600`, srv.Password, pidFile, pidFile, pidFile))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "backup", "create", "--engine", "mysqldump", "--config", config)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	child := 0
	soon(t, "the tool's start", func() bool {
		text, _ := os.ReadFile(pidFile)
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return child > 0
	})
	if out, _ := asked(t, config, 0, "backup", "list", "--json"); !strings.Contains(out, `"in_work": true`) {
		t.Errorf("%s", out)
	}
	cmd.Process.Kill()
	cmd.Wait()
	soon(t, "the tool's end", func() bool { return syscall.Kill(child, 0) != nil })
	if files, _ := filepath.Glob(tmp + "/*"); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
	if _, errs := asked(t, config, 0, "backup", "list"); !strings.Contains(errs, "unfinished") {
		t.Errorf("%s", errs)
	}
	asked(t, config, 0, "backup", "create", "--engine", "native")
	if files, _ := filepath.Glob(filepath.Join(dir, "backups", "*.tmp")); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
}

// soon waits for an event.
func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for range 3000 {
		if happened() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s never came", what)
}
