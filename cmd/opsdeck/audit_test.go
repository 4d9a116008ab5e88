package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// auditWorld is a configured audit table of the field's current shape.
func auditWorld(t *testing.T, srv *testdb.Server) (config, schema, dir string) {
	t.Helper()
	schema, dir = srv.Schema(t), t.TempDir()
	srv.Exec(
		t,
		schema,
		`CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL, action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100),
		old_value JSON, new_value JSON, ip_address VARCHAR(50), created_at TIMESTAMP(6) NULL, KEY (resource_type, resource_id), KEY (user_id, created_at))`,
	)
	last := time.Now().Year() - 1
	var values []string
	for i := range 250 {
		at := time.Date(last, 6, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		if i >= 200 {
			at = time.Now().UTC().Add(-time.Duration(300-i) * time.Second)
		}
		values = append(
			values,
			fmt.Sprintf(
				`(%d, '%s', 'ORDER', '%d', '{"status": "待审核"}', '{"status": "已审核", "password": "hunter2"}', '10.0.0.1', '%s')`,
				1+i%3,
				[]string{"CREATE", "UPDATE", "DELETE"}[i%3],
				i%5,
				at.Format("2006-01-02 15:04:05.000000"),
			),
		)
	}
	srv.Exec(
		t,
		schema,
		"SET time_zone='+00:00'; INSERT INTO audit_logs (user_id, action, resource_type, resource_id, old_value, "+
			"new_value, ip_address, created_at) VALUES "+strings.Join(
			values,
			",",
		),
	)
	config = configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: q\n    database: {name: %s, options_file: %s, host: %s, port: %d}\n    backup: "+
				"{dir: %s}\nstate_dir: %s\n",
			schema,
			srv.OptionsFile(t),
			srv.Host,
			srv.Port,
			filepath.Join(dir, "backups"),
			filepath.Join(dir, "state"),
		),
	)
	return config, schema, dir
}

// asked runs a command and returns what it wrote.
func asked(t *testing.T, config string, want int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code := run(
		context.Background(),
		append([]string{"--config", config, "--lang", "en"}, args...),
		stdio{in: strings.NewReader(""), out: &o, err: &e},
	)
	if code != want {
		t.Fatalf("%v: exit %d, want %d\n%s\n%s", args, code, want, o.String(), e.String())
	}
	return o.String(), e.String()
}

func jsonLines(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		all = append(all, m)
	}
	return all
}

func TestAuditListFollowsItsCursorToTheEnd(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		config, _, _ := auditWorld(t, srv)
		var seen []float64
		args := []string{"audit", "list", "--limit", "90", "--json"}
		for {
			out, _ := asked(t, config, 0, args...)
			if strings.Contains(out, "hunter2") {
				t.Fatal("a secret in the output")
			}
			all := jsonLines(t, out)
			next, more := all[len(all)-1]["next_cursor"]
			if more {
				all = all[:len(all)-1]
			}
			for _, row := range all {
				seen = append(seen, row["id"].(float64))
				if at, err := time.Parse(time.RFC3339Nano, row["created_at"].(string)); err != nil || at.IsZero() {
					t.Fatalf("created_at: %v", err)
				}
			}
			if !more {
				break
			}
			args = append(args[:5:5], "--before", next.(string))
		}
		for i, id := range seen {
			if len(seen) != 250 || id != float64(250-i) {
				t.Fatalf("%d rows, number %d has id %v", len(seen), i, id)
			}
		}
	})
}

func TestAuditTraceAndStatsKeepTheContract(t *testing.T) {
	config, _, _ := auditWorld(t, testdb.MariaDB(t))
	out, _ := asked(t, config, 0, "audit", "trace", "ORDER", "3", "--json")
	var trace struct {
		Type     string `json:"resource_type"`
		ID       string `json:"resource_id"`
		Summary  map[string]any
		Timeline []map[string]any
	}
	if err := json.Unmarshal([]byte(out), &trace); err != nil || trace.Type != "ORDER" || trace.ID != "3" ||
		len(trace.Timeline) != 50 ||
		trace.Summary["rows"] != 50.0 {
		t.Fatalf("%v %+v", err, trace)
	}
	if trace.Timeline[0]["id"].(float64) > trace.Timeline[49]["id"].(float64) {
		t.Fatal("not oldest first")
	}
	out, _ = asked(t, config, 0, "audit", "stats", "--since", "2d", "--by", "action", "--json")
	var stats map[string]any
	if err := json.Unmarshal([]byte(out), &stats); err != nil || stats["rows"] != 50.0 || stats["by_user"] != nil ||
		len(stats["by_action"].([]any)) != 3 {
		t.Fatalf("%v %s", err, out)
	}
}

func TestAuditErrorsAreUsageOrConfiguration(t *testing.T) {
	srv := testdb.MySQL(t)
	config, schema, _ := auditWorld(t, srv)
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{64, "28 days", []string{"list", "--since", "2026-02-30"}},
		{64, `"usr:1"`, []string{"list", "usr:1"}},
		{64, "does not belong to the table audit_logs", []string{"list", "--before", "AQAAAA"}},
		{64, "at least 1", []string{"list", "--limit", "0"}},
		{64, "a year that is over", []string{"archive", "--year", fmt.Sprint(time.Now().Year())}},
		{1, "no rows of 1999", []string{"archive", "--year", "1999"}},
	} {
		if _, errs := asked(t, config, c.code, append([]string{"audit"}, c.args...)...); !strings.Contains(
			errs,
			c.says,
		) {
			t.Errorf("%v says %q", c.args, errs)
		}
	}
	srv.Exec(t, schema, "DROP TABLE audit_logs")
	if _, errs := asked(t, config, 78, "audit", "list"); !strings.Contains(errs, "there is no table audit_logs") {
		t.Errorf("no table: %q", errs)
	}
}

func TestAuditExportAndArchiveByCommand(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		config, schema, dir := auditWorld(t, srv)
		file := filepath.Join(dir, "x.csv")
		out, _ := asked(t, config, 0, "audit", "export", "--format", "csv", "-o", file, "--json")
		if got := jsonLines(t, strings.ReplaceAll(out, "\n", " "))[0]; got["rows"] != 250.0 {
			t.Fatalf("%v", got)
		}
		asked(t, config, 64, "audit", "export", "-o", file)
		exportsToStdout(t, config, dir)
		year := fmt.Sprint(time.Now().Year() - 1)
		archive := filepath.Join(dir, "backups", "audit_logs_"+year+".sql.gz")
		asked(t, config, 0, "audit", "archive", "--year", year, "--delete", "--dry-run")
		if _, err := os.Stat(archive); err == nil {
			t.Fatal("a dry run made the archive")
		}
		if _, errs := asked(t, config, 64, "audit", "archive", "--year", year, "--delete"); !strings.Contains(
			errs,
			"--confirm "+schema,
		) {
			t.Fatalf("says %q", errs)
		}
		asked(t, config, 64, "--read-only", "audit", "archive", "--year", year)
		out, _ = asked(
			t,
			config,
			0,
			"audit",
			"archive",
			"--year",
			year,
			"--delete",
			"--confirm",
			schema,
			"--pause",
			"0s",
			"--json",
		)
		var doc map[string]any
		if err := json.Unmarshal([]byte(out), &doc); err != nil || doc["rows"] != 200.0 ||
			doc["deleted_rows"] != 200.0 ||
			doc["verified"] != true {
			t.Fatalf("%v %s", err, out)
		}
		dryRunTellsOfTheArchive(t, config, archive, year)
		out, _ = asked(t, config, 0, "audit", "list", "--archive", archive, "--user", "1", "--json", "--limit", "10")
		if all := jsonLines(t, out); len(all) != 11 || all[0]["user_id"] != 1.0 {
			t.Fatalf("%s", out)
		}
		out, _ = asked(t, config, 0, "audit", "restore-archive", archive, "--dry-run")
		if !strings.Contains(out, "room for the rows twice") {
			t.Fatalf("%s", out)
		}
		asked(t, config, 0, "audit", "restore-archive", archive)
		var n int
		if err := srv.Open(t, schema).QueryRow("SELECT COUNT(*) FROM audit_logs_" + year).Scan(&n); err != nil ||
			n != 200 {
			t.Fatalf("%d rows came back: %v", n, err)
		}
		if out, _ = asked(t, config, 0, "operations"); !strings.Contains(out, "audit.delete") ||
			!strings.Contains(out, "audit.restore-archive") {
			t.Fatalf("not on record:\n%s", out)
		}
	})
}

// exportsToStdout: - is standard output, which --read-only allows; a file is refused.
func exportsToStdout(t *testing.T, config, dir string) {
	t.Helper()
	t.Chdir(dir)
	for _, flags := range [][]string{nil, {"--read-only"}} {
		out, errs := asked(t, config, 0, append(flags, "audit", "export", "--format", "jsonl", "-o", "-")...)
		if n := strings.Count(out, "\n"); n != 250 || !strings.Contains(errs, "250 rows") {
			t.Fatalf("%v: %d rows, says %q", flags, n, errs)
		}
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			if !json.Valid([]byte(line)) {
				t.Fatalf("not JSON alone: %s", line)
			}
		}
	}
	out, _ := asked(t, config, 0, "audit", "export", "-o", "-", "user:1")
	if !strings.HasPrefix(out, "\ufeff") || strings.Contains(out, "rows,") {
		t.Fatalf("%.200q", out)
	}
	for _, name := range []string{"-", "-.part", "-.part.json"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("a file called %s was made", name)
		}
	}
	asked(t, config, 64, "audit", "export", "-o", "-", "--json")
	file := filepath.Join(dir, "refused.csv")
	if _, errs := asked(t, config, 64, "--read-only", "audit", "export", "-o", file); !strings.Contains(
		errs,
		"--read-only",
	) {
		t.Errorf("says %q", errs)
	}
	for _, name := range []string{file, file + ".part"} {
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("%s was written under --read-only", name)
		}
	}
}

// dryRunTellsOfTheArchive: what the run would refuse is refused.
func dryRunTellsOfTheArchive(t *testing.T, config, archive, year string) {
	t.Helper()
	dry := []string{"audit", "archive", "--year", year, "--dry-run"}
	if out, _ := asked(t, config, 0, dry...); !strings.Contains(out, "200 rows") || !strings.Contains(out, "verified") {
		t.Fatalf("says %q", out)
	}
	for _, damaged := range []string{archive + ".manifest.json", archive} {
		whole, err := os.ReadFile(damaged)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(damaged, whole[:len(whole)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		_, would := asked(t, config, 1, dry...)
		_, does := asked(t, config, 1, dry[:len(dry)-1]...)
		if would != does {
			t.Errorf("%s cut: the dry run says %q, the run %q", damaged, would, does)
		}
		if err := os.WriteFile(damaged, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// With a replica configured questions go there; what changes rows goes to the
// primary.
func TestAuditReadsFromAReplicaAndArchivesFromThePrimary(t *testing.T) {
	primary, replica := testdb.MariaDB(t), testdb.MySQL(t)
	config, _, dir := auditWorld(t, primary)
	_, schema, _ := auditWorld(t, replica)
	replica.Exec(t, schema, "DELETE FROM audit_logs WHERE id > 240")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	config = configFile(
		t,
		strings.Replace(
			string(text),
			"    backup:",
			fmt.Sprintf("    audit: {replica: {name: %s, options_file: %s, host: %s, port: %d}}\n    backup:",
				schema, replica.OptionsFile(t), replica.Host, replica.Port),
			1,
		),
	)
	out, _ := asked(t, config, 0, "audit", "list", "--limit", "1", "--json")
	if got := jsonLines(t, out)[0]["id"]; got != 240.0 {
		t.Fatalf("the newest row has id %v", got)
	}
	replica.Exec(t, schema, "DELETE FROM audit_logs")
	year := fmt.Sprint(time.Now().Year() - 1)
	if _, errs := asked(t, config, 0, "audit", "archive", "--year", year); !strings.Contains(
		errs,
		"200 rows in "+filepath.Join(dir, "backups"),
	) {
		t.Fatalf("says %q", errs)
	}
}

func TestAuditPagesAreBounded(t *testing.T) {
	config, _, _ := auditWorld(t, testdb.MariaDB(t))
	if _, errs := asked(t, config, 64, "audit", "list", "--limit", "100001"); !strings.Contains(errs, "audit export") {
		t.Fatalf("says %q", errs)
	}
}
