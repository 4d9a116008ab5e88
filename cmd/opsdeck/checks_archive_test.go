package main

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
)

// logFiles is how many files of its log a server has.
// purgeAll purges until the server has one file. MariaDB keeps a file until its last
// checkpoint is in a later one.
func purgeAll(t *testing.T, s *testdb.Server) {
	t.Helper()
	db := s.Open(t, "")
	files := func() (names []string) {
		rows, err := schema.All(t.Context(), db, "SHOW BINARY LOGS")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			names = append(names, r[0])
		}
		return names
	}
	for {
		if _, err := db.Exec("FLUSH BINARY LOGS"); err != nil {
			t.Fatal(err)
		}
		all := files()
		if _, err := db.Exec("PURGE BINARY LOGS TO '" + all[len(all)-1] + "'"); err != nil {
			t.Fatal(err)
		}
		if len(files()) == 1 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestWhatTheServerLostIsMissingAtOnce: nobody fetches after the loss, and every word knows.
func TestWhatTheServerLostIsMissingAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, lose := range map[string]func(){
			"purged": func() { purgeAll(t, s) },
			"reset": func() {
				s.Exec(t, "", "FLUSH BINARY LOGS")
				loseLog(t, s)
			},
		} {
			config, schema := binlogWorld(t, s)
			s.Exec(t, schema, inRows("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")...)
			asked(t, config, 0, "backup", "create")
			asked(t, config, 0, "backup", "binlog", "fetch", "--flush")
			whole, _ := asked(t, config, 0, "backup", "binlog", "list")
			status, _ := asked(t, config, 0, "status", "--only", "backup", "--json")
			if strings.Contains(whole, "GAP") || strings.Contains(status, "has a gap") {
				t.Fatalf("%s: nothing is lost yet: %s%s", name, whole, status)
			}
			s.Exec(t, schema, inRows("INSERT INTO t VALUES (2)")...)
			s.Exec(t, "", "FLUSH BINARY LOGS")
			lose()
			out, _ := asked(t, config, 0, "backup", "binlog", "list")
			if !strings.Contains(out, "GAP") || strings.Contains(out, "has everything") {
				t.Errorf("%s: list says %s", name, out)
			}
			out, _ = asked(t, config, 0, "backup", "binlog", "list", "--json")
			if strings.Contains(out, `"lag_ms": 0,`) || !strings.Contains(out, `"healed": false`) {
				t.Errorf("%s: list says %s", name, out)
			}
			out, _ = asked(t, config, 2, "status", "--only", "backup", "--json")
			if !strings.Contains(out, "the binlog archive has a gap") {
				t.Errorf("%s: status says %s", name, out)
			}
			_, errs := asked(t, config, 1, "restore", "--until", "now", "--plan")
			if !strings.Contains(errs, "gap") {
				t.Errorf("%s: --until says %s", name, errs)
			}
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // the log's times are whole seconds
			asked(t, config, 0, "backup", "create")
			out, _ = asked(t, config, 0, "status", "--only", "backup", "--json")
			if strings.Contains(out, "has a gap") {
				t.Errorf("%s: a full backup heals it: %s", name, out)
			}
		}
	})
}

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
