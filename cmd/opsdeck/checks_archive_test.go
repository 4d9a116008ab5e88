package main

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

func TestAGapOfTheArchiveIsCriticalUntilABackupHealsIt(t *testing.T) {
	s := testdb.MariaDB(t)
	config, schema := binlogWorld(t, s)
	s.Exec(t, schema, inRows("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")...)
	asked(t, config, 0, "backup", "create")
	for range 3 {
		s.Exec(t, schema, inRows("INSERT INTO t SELECT MAX(id) + 1 FROM t")...)
		asked(t, config, 0, "backup", "binlog", "fetch", "--flush")
	}
	whole, _ := asked(t, config, 0, "status", "--only", "backup", "--json")
	if strings.Contains(whole, "gap") {
		t.Fatalf("no gap is there: %s", whole)
	}
	files, _ := filepath.Glob(strings.TrimSpace(dirOf(t, config)) + "/binlog/*/*.zst")
	sort.Strings(files)
	lost := files[len(files)-2]
	for _, f := range []string{lost, lost + ".idx"} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := asked(t, config, 2, "status", "--only", "backup", "--json")
	if !strings.Contains(out, "the binlog archive has a gap") {
		t.Fatalf("%s", out)
	}
	_, errs := asked(t, config, 1, "restore", "--until", "now", "--plan")
	if !strings.Contains(errs, "gap") || !strings.Contains(errs, "it can reach") {
		t.Errorf("--until does not name the gap: %s", errs)
	}
	for now := time.Now().Unix(); time.Now().Unix() < now+2; time.Sleep(50 * time.Millisecond) { // the log's next second
	}
	asked(t, config, 0, "backup", "create")
	asked(t, config, 0, "status", "--only", "backup", "--json")
	asked(t, config, 0, "restore", "--until", "now", "--plan")
}
