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

// The audit commands on a server that is neither MySQL nor MariaDB. testdb.TiDB
// tells how to get one.
func TestEveryAuditCommandRunsOnTiDB(t *testing.T) {
	srv := testdb.TiDB(t)
	config, schema, dir := auditWorld(t, srv)
	year := fmt.Sprint(time.Now().Year() - 1)
	one := func(args ...string) map[string]any {
		t.Helper()
		out, _ := asked(t, config, 0, append([]string{"audit"}, args...)...)
		var doc map[string]any
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return doc
	}
	count := func(args ...string) (n int) {
		t.Helper()
		out, _ := asked(t, config, 0, append([]string{"audit", "list", "--limit", "1000", "--json"}, args...)...)
		return len(jsonLines(t, out))
	}
	if n, user, changed := count(), count("--user", "2"), count("changed:status", "-action:DELETE"); n != 250 ||
		user != 83 ||
		changed != 167 {
		t.Fatalf("%d rows, %d of a user, %d changed", n, user, changed)
	}
	if doc := one("trace", "ORDER", "3", "--json"); doc["summary"].(map[string]any)["rows"] != 50.0 {
		t.Fatalf("trace: %v", doc["summary"])
	}
	if doc := one("stats", "--since", "all", "--json"); doc["rows"] != 250.0 || len(doc["by_action"].([]any)) != 3 ||
		len(doc["by_user"].([]any)) != 3 {
		t.Fatalf("stats: %v", doc)
	}
	file := filepath.Join(dir, "x.csv")
	if doc := one("export", "-o", file, "--json"); doc["rows"] != 250.0 {
		t.Fatalf("export: %v", doc)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), "\n") != 251 {
		t.Fatalf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
	doc := one("archive", "--year", year, "--delete", "--confirm", schema, "--pause", "0s", "--json")
	if doc["rows"] != 200.0 || doc["deleted_rows"] != 200.0 || doc["verified"] != true || count() != 50 {
		t.Fatalf("archive: %v", doc)
	}
	path := doc["path"].(string)
	if n := count("--archive", path, "--action", "UPDATE"); n != 67 {
		t.Fatalf("%d rows in the archive", n)
	}
	if doc := one("restore-archive", path, "--json"); doc["rows"] != 200.0 || doc["table"] != "audit_logs_"+year {
		t.Fatalf("restore-archive: %v", doc)
	}
}
