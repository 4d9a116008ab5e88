package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// plainShop is a configured shop with two good backups and the script of its restore.
type plainShop struct {
	t                   *testing.T
	db                  *testdb.Server
	schema, dir, script string
}

func newPlainShop(t *testing.T, ready string) *plainShop {
	t.Helper()
	db := testdb.MariaDB(t)
	db.Tool(t, "mysql")
	db.Tool(t, "mysqldump")
	conf, schema, dir := aShop(t, db)
	s := &plainShop{t: t, db: db, schema: schema, dir: dir, script: filepath.Join(dir, "restore.sh")}
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf(
		"    process: {kind: command, start: \"echo start >> %s/did\", stop: \"echo stop >> %s/did\"}\n"+
			"    health: {url: \"%s\"}\n    restore: {key_tables: [customers]}\nstate_dir:", dir, dir, ready)
	if err := os.WriteFile(conf, []byte(strings.Replace(string(text), "state_dir:", more, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	asked(t, conf, 0, "backup", "create")
	db.Exec(t, schema, "INSERT INTO customers VALUES (3,'third')")
	asked(t, conf, 0, "backup", "create")
	script, _ := asked(t, conf, 0, "runbook", "restore", "--plain")
	if err := os.WriteFile(s.script, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs the script with further variables and arguments.
func (s *plainShop) run(want int, env []string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("bash", append([]string{s.script}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || (cmd.ProcessState.ExitCode() == 0) != (want == 0) {
		s.t.Fatalf("%v, want %d:\n%s", err, want, out)
	}
	return string(out)
}

func (s *plainShop) newestFile() string {
	files := backupsIn(s.t, s.dir, s.schema)
	return files[newestOf(files)]
}

func (s *plainShop) did() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "did"))
	os.Remove(filepath.Join(s.dir, "did"))
	return strings.ReplaceAll(string(text), "\n", " ")
}

func (s *plainShop) rows(table string) string {
	s.t.Helper()
	return strings.TrimSpace(string(s.db.Client(s.t, s.schema, strings.NewReader("SELECT COUNT(*) AS '' FROM "+table))))
}

// firstMember is the length of a backup's first member.
func firstMember(t *testing.T, file string) int64 {
	t.Helper()
	text, err := os.ReadFile(file + ".manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Members []struct{ Length int64 }
	}
	if err := json.Unmarshal(text, &m); err != nil || len(m.Members) < 2 {
		t.Fatalf("%v, %d members", err, len(m.Members))
	}
	return m.Members[0].Length
}

// TestTheRestoreWithoutOpsdeck runs the printed script with bash and the real client.
func TestTheRestoreWithoutOpsdeck(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health/ready" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer web.Close()
	s := newPlainShop(t, web.URL)
	yes := []string{"CONFIRM=" + s.schema}

	s.db.Exec(t, s.schema, "DELETE FROM customers", "CREATE TABLE younger (id INT)")
	out := s.run(1, []string{"CONFIRM=other"})
	if s.rows("customers") != "0" || s.did() != "" {
		t.Fatalf("not confirmed, and yet:\n%s", out)
	}
	out = s.run(0, yes)
	if s.rows("customers") != "3" || s.did() != "stop start " ||
		!strings.Contains(out, "not in the backup, and not changed: younger") {
		t.Fatalf("%s rows:\n%s", s.rows("customers"), out)
	}
	saved, err := filepath.Glob(filepath.Join(s.dir, "backups", "emergency_backup_*.sql.gz"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("%v %v", saved, err)
	}
	dump, err := exec.Command("gzip", "-dc", saved[0]).Output()
	if err != nil || !strings.Contains(string(dump), "younger") || strings.Contains(string(dump), "third") {
		t.Fatalf("the current state is not in it: %v\n%s", err, dump)
	}

	// A newest file that is cut between two members is whole for gzip, and is not used.
	cut := s.newestFile()
	if err := os.Truncate(cut, firstMember(t, cut)); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("gzip", "-t", cut).Run(); err != nil {
		t.Fatalf("the cut file should pass gzip -t: %v", err)
	}
	out = s.run(0, append(yes, "SKIP_EMERGENCY=yes"))
	if s.rows("customers") != "2" || !strings.Contains(out, "is wrong: "+cut) {
		t.Fatalf("%s rows:\n%s", s.rows("customers"), out)
	}
}

// TestTheScriptStopsBeforeHarm: a dump of another database, a backup of the current
// state that fails half-way, a service that cannot be stopped.
func TestTheScriptStopsBeforeHarm(t *testing.T) {
	s := newPlainShop(t, "")
	s.db.Exec(t, s.schema, "DELETE FROM customers")
	yes := []string{"CONFIRM=" + s.schema}
	other := filepath.Join(s.dir, "other.sql")
	sql := "CREATE TABLE a (id INT);\nUSE `" + s.schema + "`;\nUSE `elsewhere`;\nDROP TABLE b;\n"
	if err := os.WriteFile(other, []byte(sql), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.run(1, yes, other); !strings.Contains(out, "elsewhere") || s.did() != "" {
		t.Errorf("a dump of another database:\n%s", out)
	}
	bin := t.TempDir()
	fake := "#!/bin/sh\necho '-- half of it'\nexit 3\n"
	for _, name := range []string{"mysqldump", "mariadb-dump"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(fake), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := s.run(1, append(yes, "PATH="+bin+":"+os.Getenv("PATH")))
	left, err := filepath.Glob(filepath.Join(s.dir, "backups", "emergency_*.gz"))
	if err != nil || len(left) > 0 || s.rows("customers") != "0" || !strings.Contains(out, "SKIP_EMERGENCY=yes") {
		t.Errorf("a dump that fails half-way: %v\n%s", left, out)
	}
	s.did()
	text, err := os.ReadFile(s.script)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), "echo stop >>", "exit 9; echo stop >>", 1)
	if err := os.WriteFile(s.script, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.run(1, yes); s.rows("customers") != "0" || !strings.Contains(out, "STOPPED=yes") {
		t.Errorf("a service that cannot be stopped:\n%s", out)
	}
	s.run(0, append(yes, "STOPPED=yes"))
	if s.rows("customers") != "3" {
		t.Errorf("%s rows after all", s.rows("customers"))
	}
}

func TestTheScriptSpeaksBothLanguages(t *testing.T) {
	conf := configFile(t, "services:\n  - name: q\n    database: {name: db}\n    backup: {dir: /nowhere}\n")
	var said bytes.Buffer
	if code := run(context.Background(), []string{"--config", conf, "--lang", "zh", "runbook", "restore", "--plain"},
		stdio{in: strings.NewReader(""), out: &said, err: io.Discard}); code != 0 {
		t.Fatalf("exit %d", code)
	}
	out := said.String()
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(out)
	if text, err := check.CombinedOutput(); err != nil || !strings.Contains(out, "m_load='导入备份。'") {
		t.Fatalf("%v %s\n%s", err, text, out)
	}
}

// newestOf is the index of the newest of two backups, which may be of one second.
func newestOf(files []string) int {
	if strings.Contains(filepath.Base(files[0]), "-2.sql") {
		return 0
	}
	return len(files) - 1
}
