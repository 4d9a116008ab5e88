package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// mostMemory is the goal for a dump and a load of any size, rows of the greatest
// packet apart.
const mostMemory = 150 << 20

// TestMemoryOfABackupAndARestoreIsBounded runs the real program on 120 MB: many
// small rows, a key of text, rows of half a megabyte, one of 8 MB.
func TestMemoryOfABackupAndARestoreIsBounded(t *testing.T) {
	s := testdb.MariaDB(t)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "", "SET GLOBAL max_allowed_packet = 67108864")
	config, schema, dir := aShop(t, s)
	s.Exec(
		t,
		schema,
		"CREATE TABLE big (id INT PRIMARY KEY, v LONGTEXT) ENGINE=InnoDB",
		"INSERT INTO big SELECT seq, REPEAT(MD5(seq), 16000) FROM seq_1_to_60",
		"INSERT INTO big VALUES (0, REPEAT('x', 8000000))",
		"CREATE TABLE many (k CHAR(32) PRIMARY KEY, a INT, v VARCHAR(600), KEY (a)) ENGINE=InnoDB",
		"INSERT INTO many SELECT MD5(seq), seq, REPEAT(SHA1(seq), 14) FROM seq_1_to_120000",
		"ANALYZE TABLE big, many",
	)
	run := func(args ...string) (peak int64, out string) {
		t.Helper()
		cmd := exec.Command(bin, append([]string{"--config", config}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		var text bytes.Buffer
		cmd.Stdout, cmd.Stderr = &text, &text
		defer func() {
			if t.Failed() {
				t.Logf("%v:\n%s", args, text.String())
			}
		}()
		return s.Measure(t, cmd).Peak, text.String()
	}
	for _, compress := range []string{"gzip", "zstd"} {
		peak, out := run("backup", "create", "--compress", compress)
		name := backupNamed(t, filepath.Join(dir, "backups"), out)
		to := fmt.Sprintf("%s_%s", schema, compress)
		t.Cleanup(func() { s.Exec(t, "", "DROP DATABASE IF EXISTS `"+to+"`") })
		loading, _ := run("restore", "run", "--from", name, "--to", to, "--confirm", to)
		t.Logf("%s: %d MB for the backup, %d MB for the restore", compress, peak>>20, loading>>20)
		if peak == 0 || loading == 0 {
			t.Fatal("the memory could not be read")
		}
		if peak > mostMemory || loading > mostMemory {
			t.Errorf(
				"%s: %d MB for the backup, %d MB for the restore: more than %d MB",
				compress,
				peak>>20,
				loading>>20,
				mostMemory>>20,
			)
		}
	}
}

// backupNamed finds the newest backup of a folder that the output speaks of.
func backupNamed(t *testing.T, dir, out string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") && strings.Contains(out, e.Name()) {
			return e.Name()
		}
	}
	t.Fatalf("no backup in %v:\n%s", entries, out)
	return ""
}
