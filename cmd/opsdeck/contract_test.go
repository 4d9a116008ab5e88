package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// contract is a command of DESIGN.md's table, and the keys that its JSON has
// there: "a[].b" is key b of every element of the list a, which has at least
// one. Those behind "last" are of the last line of NDJSON.
type contract struct {
	args   string
	exit   []int // allowed exit codes; 0 where empty
	ndjson bool
	keys   string
	last   string
}

// contracts are walked in this order, on one real server: each builds on those
// before it. NAME is the backup made, DB the database, LOG a log file.
var contracts = []contract{
	{
		args: "status",
		exit: []int{0, 1, 2, 3},
		keys: "verdict summary checked_at checks[].name checks[].kind checks[].state checks[].latency_ms " +
			"checks[].detail checks[].fields",
	},
	{args: "logs --source LOG", ndjson: true, keys: "time level context message source line raw fields"},
	{args: "logs --source LOG --count", keys: "count"},
	{args: "logs --source LOG --histogram 1m", ndjson: true, keys: "bucket count by_level"},
	{
		args:   "audit list --limit 2",
		ndjson: true,
		keys:   "id user_id action resource_type resource_id created_at",
		last:   "next_cursor",
	},
	{args: "audit trace ORDER 7", keys: "resource_type resource_id summary timeline timeline[].action"},
	{args: "audit stats", keys: "by_action by_user by_resource"},
	{args: "backup create", keys: "name path size_bytes raw_bytes tables rows sha256 duration_ms consistent position"},
	{
		args: "backup verify",
		keys: "verified[].name verified[].state verified[].size_bytes verified[].sha256 verified[].duration_ms " +
			"verified[].problems good bad",
	},
	{
		args: "backup list",
		keys: "tiers[].name tiers[].keep tiers[].held tiers[].missing backups[].name backups[].path backups[].tier " +
			"backups[].kind backups[].database " +
			"backups[].created_at backups[].size_bytes backups[].engine backups[].verified_at backups[].state " +
			"backups[].expires_at backups[].keep_reasons backups[].problems",
	},
	{args: "backup show NAME", keys: "name path state size_bytes"},
	{args: "backup prune --dry-run", keys: "plan done blocked frees_bytes steps[].name steps[].action steps[].reasons"},
	{args: "backup drill", keys: "at operator backup scenario took_ms restore_ms rows tables result remark"},
	{
		args: "backup drills",
		keys: "drills[].at drills[].operator drills[].backup drills[].scenario drills[].took_ms drills[].result " +
			"drills[].remark",
	},
	{args: "backup schedule show", keys: "installed jobs[].name jobs[].schedule jobs[].next_at"},
	{args: "restore --plan", keys: "id hash mode source target steps findings"},
	{args: "restore --confirm DB", ndjson: true, keys: "time step state detail", last: "id result restored_to report"},
	{
		args: "restore status",
		keys: "restores[].id restores[].stage restores[].result restores[].running restores[].answers " +
			"restores[].report",
	},
	{args: "restore report", keys: "id"},
	{args: "restore attach", ndjson: true, keys: "time step state detail", last: "id result restored_to report"},
	{
		args:   "restore undo --confirm DB",
		ndjson: true,
		keys:   "time step state detail",
		last:   "id result restored_to report",
	},
	{
		args: "operations --verify",
		keys: "path count verified problems operations[].time operations[].user operations[].action " +
			"operations[].result operations[].prev",
	},
	{
		args: "doctor",
		exit: []int{0, 1, 2, 3},
		keys: "state checked_at points[].name points[].state points[].detail points[].findings",
	},
	{
		args: "deploy check",
		exit: []int{0, 1, 2, 3},
		keys: "verdict findings[].name findings[].state findings[].detail findings[].why findings[].fix",
	},
	{args: "config show", keys: "path state_dir settings[].key settings[].value settings[].source"},
	{args: "config check", keys: "ok"},
}

const contractLog = "[Nest] 1  - 01/29/2026, 12:00:00 PM   ERROR [OrderService] Failed to create " +
	"order\n2026-01-29T12:00:01Z INFO 千张 started\n"

func TestJSONHasTheKeysOfTheContract(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	s.db.Exec(
		t,
		s.live,
		"CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL, action VARCHAR(50), "+
			"resource_type VARCHAR(50), "+
			"resource_id VARCHAR(100), old_value JSON, new_value JSON, created_at TIMESTAMP(6) NULL, KEY "+
			"(resource_type, resource_id), KEY (user_id, created_at))",
		"INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) SELECT 1, 'UPDATE', "+
			"'ORDER', '7', NOW(6) FROM customers, orders",
	)
	s.write("app.log", contractLog)
	names := strings.NewReplacer("LOG", filepath.Join(s.dir, "app.log"), "DB", s.live)
	for _, c := range contracts {
		args := append(strings.Fields(names.Replace(c.args)), "--json")
		for i, a := range args {
			if a == "NAME" {
				args[i] = newestBackup(t, s)
			}
		}
		o := s.run(args...)
		if o.code != 0 && !slices.Contains(c.exit, o.code) {
			t.Fatalf("%s: exit %d\n%s%s", c.args, o.code, o.out, o.err)
		}
		if err := c.holds(o.out); err != nil {
			t.Errorf("%s: %v\n%.1500s", c.args, err, o.out)
		}
	}
}

// newestBackup is the name of the backup that was made first in the walk.
func newestBackup(t *testing.T, s *realSite) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, "backups"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), s.live) && strings.HasSuffix(e.Name(), ".sql.gz") {
			return e.Name()
		}
	}
	t.Fatal("no backup was made")
	return ""
}

// holds reads a command's output and looks for what is missing from it.
func (c contract) holds(out string) error {
	documents := []string{out}
	if c.ndjson {
		documents = strings.Split(strings.TrimSpace(out), "\n")
	}
	for i, text := range documents {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("%w in %q", err, text)
		}
		keys := c.keys
		if c.last != "" && i == len(documents)-1 {
			keys = c.last
		}
		for _, path := range strings.Fields(keys) {
			if err := lacks(v, path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if err := styled(v, ""); err != nil {
			return err
		}
	}
	return nil
}

// lacks follows a path of keys through a document.
func lacks(v any, path string) error {
	head, rest, deeper := strings.Cut(path, ".")
	name, list := strings.CutSuffix(head, "[]")
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%T instead of an object", v)
	}
	inner, ok := object[name]
	if !ok {
		return errors.New("missing")
	}
	if !list {
		if !deeper {
			return nil
		}
		return lacks(inner, rest)
	}
	elements, ok := inner.([]any)
	if !ok || len(elements) == 0 {
		return errors.New("not a list with something in it")
	}
	for _, e := range elements {
		if err := lacks(e, rest); err != nil {
			return err
		}
	}
	return nil
}

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	aTime     = regexp.MustCompile(`(^|_)(at|time|since|until|from)$`)
)

// styled checks what holds for every document: keys in snake_case, moments in
// RFC 3339 with a zone, sizes and durations as numbers. Keys below fields, by_…
// and values are the data's own.
func styled(v any, under string) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := styled(e, under); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, inner := range v {
			own := under == "fields" || strings.HasPrefix(under, "by_") || under == "old_value" ||
				under == "new_value" || under == "checksums"
			if !own && !snakeCase.MatchString(key) {
				return fmt.Errorf("the key %q below %q is not in snake_case", key, under)
			}
			if s, is := inner.(string); is && s != "" && !own {
				if err := styledText(key, s); err != nil {
					return err
				}
			}
			if err := styled(inner, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func styledText(key, s string) error {
	if strings.HasSuffix(key, "_bytes") || strings.HasSuffix(key, "_ms") {
		return fmt.Errorf("%s is the text %q", key, s)
	}
	if !aTime.MatchString(key) || key == "from" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
