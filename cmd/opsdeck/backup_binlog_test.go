package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// binlogWorld is a configured service on a server whose log is its own.
func binlogWorld(t *testing.T, s *testdb.Server) (config, schema string) {
	t.Helper()
	beginLog(t, s)
	schema = s.Schema(t)
	dir := t.TempDir()
	text := fmt.Sprintf("services:\n  - name: q\n    database: {name: %s, options_file: %s, host: %s, port: %d}\n"+
		"    backup: {dir: %s}\nstate_dir: %s\n", schema, s.OptionsFile(t), s.Host, s.Port,
		filepath.Join(dir, "backups"), filepath.Join(dir, "state"))
	return configFile(t, text), schema
}

// beginLog lets the server keep only what it logs from now on: commands without an
// archive read all that it has.
func beginLog(t *testing.T, s *testdb.Server) {
	t.Helper()
	s.Exec(t, "", "FLUSH BINARY LOGS")
	db := s.Open(t, "")
	defer db.Close() // it is called again and again
	logs, err := db.Query("SHOW BINARY LOGS")
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	columns, err := logs.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var newest string
	row := make([]any, len(columns))
	for i := range row {
		row[i] = new(any)
	}
	row[0] = &newest
	for logs.Next() {
		if err := logs.Scan(row...); err != nil {
			t.Fatal(err)
		}
	}
	s.Exec(t, "", "PURGE BINARY LOGS TO '"+newest+"'")
}

func TestBinlogFetchListAndVerify(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(
			t,
			schema,
			"SET SESSION binlog_format=ROW",
			"CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
			"INSERT INTO t VALUES (1,'a'),(2,'b')",
		)
		asked(t, config, 0, "backup", "binlog", "fetch", "--flush")
		out, _ := asked(t, config, 0, "backup", "binlog", "list", "--json")
		for !strings.Contains(out, `"lag_ms": 0,`) { // MariaDB writes a checkpoint into the new file a moment later
			asked(t, config, 0, "backup", "binlog", "fetch")
			out, _ = asked(t, config, 0, "backup", "binlog", "list", "--json")
		}
		var list struct {
			Server string
			Spans  []map[string]any
			Gaps   []any
			LagMS  *int64 `json:"lag_ms"`
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Spans) != 1 || len(list.Gaps) != 0 || list.LagMS == nil || *list.LagMS != 0 {
			t.Fatalf("%s", out)
		}
		for _, key := range strings.Fields("from_file from_pos from_time to_file to_pos to_time gtid files " +
			"size_bytes") {
			if _, ok := list.Spans[0][key]; !ok {
				t.Errorf("no %s in %s", key, out)
			}
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO t VALUES (3,'c')")
		if out, _ := asked(t, config, 0, "backup", "binlog", "list", "--json"); strings.Contains(out, `"lag_ms": 0,`) {
			t.Errorf("the archive lacks a row and says %s", out)
		}
		asked(t, config, 0, "backup", "binlog", "list")
		asked(t, config, 0, "backup", "binlog", "verify")
		parts, _ := filepath.Glob(strings.TrimSpace(dirOf(t, config)) + "/binlog/*/*.zst")
		if len(parts) == 0 {
			t.Fatal("no file in the archive")
		}
		data, _ := os.ReadFile(parts[0])
		data[len(data)/2] ^= 1
		os.WriteFile(parts[0], data, 0o600)
		asked(t, config, 1, "backup", "binlog", "verify", "--json")
	})
}

// dirOf is the backup folder of a configuration.
func dirOf(t *testing.T, config string) string {
	t.Helper()
	out, _ := asked(t, config, 0, "config", "show", "--json")
	var doc struct {
		Settings []struct {
			Key   string
			Value any
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Settings {
		if strings.HasSuffix(s.Key, "backup.dir") {
			return fmt.Sprint(s.Value)
		}
	}
	t.Fatal("no backup.dir")
	return ""
}

// TestFetchSaysWhereTheArchiveEnds: a fetch names the file and position that a list
// names right after it, also when nothing was new.
func TestFetchSaysWhereTheArchiveEnds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "CREATE TABLE t (id INT PRIMARY KEY)")
		for range 3 {
			out, _ := asked(t, config, 0, "backup", "binlog", "fetch", "--flush", "--json")
			var got binlogFetchJSON
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			listed, _ := asked(t, config, 0, "backup", "binlog", "list", "--json")
			var list binlogListJSON
			if err := json.Unmarshal([]byte(listed), &list); err != nil {
				t.Fatal(err)
			}
			end := list.Spans[len(list.Spans)-1]
			if got.File == "" || got.Pos <= 4 || got.File != end.ToFile || got.Pos != end.ToPos {
				t.Errorf("fetch says %s:%d, list %s:%d", got.File, got.Pos, end.ToFile, end.ToPos)
			}
			said, _ := asked(t, config, 0, "backup", "binlog", "fetch")
			if !strings.Contains(said, "fetched, up to "+got.File+":") {
				t.Errorf("fetch says %s", said)
			}
		}
	})
}

// TestAGapFailsFetchAndVerify: the server lost what the archive has not; a full backup
// heals that. No sentence claims the whole.
func TestAGapFailsFetchAndVerify(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "CREATE TABLE t (id INT PRIMARY KEY)")
		asked(t, config, 0, "backup", "binlog", "fetch")
		s.Exec(t, schema, "INSERT INTO t VALUES (1)")
		s.Exec(t, "", "FLUSH BINARY LOGS")
		loseLog(t, s)
		out, said := asked(t, config, 1, "backup", "binlog", "fetch", "--json")
		var got binlogFetchJSON
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Gaps) != 1 || got.Gaps[0].Healed {
			t.Fatalf("%v %s%s", err, out, said)
		}
		asked(t, config, 0, "backup", "binlog", "fetch") // no new gap
		out, _ = asked(t, config, 0, "backup", "binlog", "list")
		if !strings.Contains(out, "GAP") || strings.Contains(out, "has everything") {
			t.Errorf("list says %s", out)
		}
		asked(t, config, 1, "backup", "binlog", "verify")
		time.Sleep(time.Until(got.Gaps[0].ToTime.Add(time.Second))) // the log's times are whole seconds
		asked(t, config, 0, "backup", "create")
		out, _ = asked(t, config, 0, "backup", "binlog", "verify")
		if strings.Contains(out, "each continues") || !strings.Contains(out,
			"files are good, with 1 gap between them") {
			t.Errorf("verify says %s", out)
		}
	})
}
