package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

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
	s.Exec(t, schema,
		"CREATE TABLE big (id INT PRIMARY KEY, v LONGTEXT) ENGINE=InnoDB", "INSERT INTO big SELECT seq, REPEAT(MD5(seq), 16000) FROM seq_1_to_60",
		"INSERT INTO big VALUES (0, REPEAT('x', 8000000))",
		"CREATE TABLE many (k CHAR(32) PRIMARY KEY, a INT, v VARCHAR(600), KEY (a)) ENGINE=InnoDB", "INSERT INTO many SELECT MD5(seq), seq, REPEAT(SHA1(seq), 14) FROM seq_1_to_120000",
		"ANALYZE TABLE big, many")
	run := func(args ...string) (peak int64, out string) {
		t.Helper()
		cmd := exec.Command(bin, append([]string{"--config", config}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		var text bytes.Buffer
		cmd.Stdout, cmd.Stderr = &text, &text
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		high := highWater(cmd.Process.Pid)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text.String())
		}
		return <-high, text.String()
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
			t.Errorf("%s: %d MB for the backup, %d MB for the restore: more than %d MB", compress, peak>>20, loading>>20, mostMemory>>20)
		}
	}
}

// highWater gives the most memory that a process or a child of it (the worker of
// a restore) had resident, in bytes, once it has ended. Their own counts are read
// again and again: that of wait4 holds what the test's process had when it forked.
func highWater(pid int) <-chan int64 {
	out := make(chan int64, 1)
	go func() {
		var most int64
		for {
			mine, alive := resident(pid)
			if !alive {
				out <- most
				return
			}
			most = max(most, mine)
			for _, child := range children(pid) {
				if theirs, ok := resident(child); ok {
					most = max(most, theirs)
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return out
}

// children are those of all threads of a process.
func children(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}

// resident is the most that a process had resident so far; false once it has
// ended or is a zombie.
func resident(pid int) (bytes int64, alive bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if err != nil || !found {
		return 0, false
	}
	fmt.Sscan(rest, &bytes)
	return bytes << 10, true
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
