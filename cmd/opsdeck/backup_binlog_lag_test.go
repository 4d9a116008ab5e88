package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// The lag of an archive is the age of the oldest change that it lacks: after two idle hours
// a change that was just made is no lag of two hours.
func TestTheArchivesLagIsTheAgeOfWhatItLacks(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "CREATE TABLE t (id INT PRIMARY KEY)")
		lag := func() *int64 {
			var doc binlogListJSON
			out, _ := asked(t, config, 0, "backup", "binlog", "list", "--json")
			if err := json.Unmarshal([]byte(out), &doc); err != nil {
				t.Fatal(err)
			}
			return doc.LagMS
		}
		whole := func() bool {
			asked(t, config, 0, "backup", "binlog", "fetch")
			ms := lag()
			return ms != nil && *ms == 0
		}
		until(t, "an archive that lacks nothing", whole)
		ageArchive(t, filepath.Join(strings.TrimSpace(dirOf(t, config)), "binlog"), 2*time.Hour)
		if ms := lag(); ms == nil || *ms != 0 {
			t.Fatalf("an idle server: lag %v", ms)
		}

		before := time.Now()
		s.Exec(t, schema, "INSERT INTO t VALUES (1)")
		after := time.Now()
		s.Exec(t, schema, "INSERT INTO t VALUES (2)")
		least := time.Since(after)
		ms := lag()
		most := time.Since(before) + time.Second // MariaDB's times are whole seconds
		if ms == nil || *ms < least.Milliseconds() || *ms > most.Milliseconds() {
			t.Errorf("lag %v ms, the first change is between %s and %s old", ms, least, most)
		}
		out, _ := asked(t, config, 0, "backup", "binlog", "list")
		if !strings.Contains(out, "the oldest change that it lacks is") {
			t.Errorf("%s", out)
		}
		until(t, "an archive that lacks nothing again", whole)
	})
}

// ageArchive makes all that an archive says of its times older.
func ageArchive(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	stamp := regexp.MustCompile(`"to_time":"[^"]*"`)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	aged := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil || !stamp.Match(text) {
			continue
		}
		text = stamp.ReplaceAllFunc(text, func(old []byte) []byte {
			at, err := time.Parse(time.RFC3339Nano, string(old[len(`"to_time":"`):len(old)-1]))
			if err != nil {
				t.Fatal(err)
			}
			aged++
			return []byte(`"to_time":"` + at.Add(-by).Format(time.RFC3339Nano) + `"`)
		})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if aged == 0 {
		t.Fatalf("nothing in %s says a time", dir)
	}
}
