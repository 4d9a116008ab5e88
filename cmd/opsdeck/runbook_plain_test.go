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
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// plainShop is a configured shop with two good backups and the script of its restore.
type plainShop struct {
	t                   *testing.T
	db                  *testdb.Server
	schema, dir, script string
	bin                 string // the server's own client programs, which note their arguments in "argv"
	path                string // where the script finds its programs; "" is bin, then the PATH
}

func newPlainShop(t *testing.T, db *testdb.Server, ready string) *plainShop {
	t.Helper()
	conf, schema, dir := aShop(t, db)
	s := &plainShop{t: t, db: db, schema: schema, dir: dir, script: filepath.Join(dir, "restore.sh")}
	s.bin = filepath.Join(dir, "bin")
	s.program("opsdeck", fmt.Sprintf("echo opsdeck >> %s/did; exit 1", dir))
	for _, tool := range []string{"mysql", "mysqldump"} {
		s.program(tool, fmt.Sprintf("printf '%%s\\n' \"$*\" >> %s/argv\nexec %s \"$@\"", dir, db.Tool(t, tool)))
	}
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
	db.Exec(t, schema,
		"CREATE TABLE `odd``name` (id INT PRIMARY KEY, b BLOB, d DOUBLE, at TIMESTAMP(6) NULL, t TEXT)",
		"INSERT INTO `odd``name` VALUES (1, 0x00ff0d0a5c27, 1e-7, '2026-01-29 02:00:00.123456', 'a\\r\\nb\\\\''😀'), "+
			"(2, NULL, NULL, NULL, '')",
		"CREATE VIEW names AS SELECT c.name, o.id FROM customers c JOIN orders o ON o.id > c.id")
	asked(t, conf, 0, "backup", "create")
	db.Exec(t, schema, "INSERT INTO customers VALUES (3,'third')")
	asked(t, conf, 0, "backup", "create")
	script, _ := asked(t, conf, 0, "runbook", "restore", "--plain")
	if err := os.WriteFile(s.script, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// program puts a shell script among the programs that the restore finds.
func (s *plainShop) program(name, script string) {
	s.t.Helper()
	if err := os.MkdirAll(s.bin, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// run runs the script with further variables and arguments. No opsdeck is there.
func (s *plainShop) run(want int, env []string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("bash", append([]string{s.script}, args...)...)
	path := s.path
	if path == "" {
		path = s.bin + ":" + os.Getenv("PATH")
	}
	cmd.Env = append(os.Environ(), append([]string{"PATH=" + path}, env...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || (cmd.ProcessState.ExitCode() == 0) != (want == 0) {
		s.t.Fatalf("%v, want %d:\n%s", err, want, out)
	}
	return string(out)
}

// all is every row of the database, as the server tells it.
func (s *plainShop) all() string {
	s.t.Helper()
	return string(s.db.Client(s.t, s.schema, strings.NewReader("SELECT id, HEX(name) FROM customers ORDER BY id;"+
		"SELECT * FROM orders; SELECT * FROM names ORDER BY name;"+
		"SELECT id, HEX(b), d, UNIX_TIMESTAMP(at), HEX(t) FROM `odd``name` ORDER BY id")))
}

// saved are the backups of the current state that the script left.
func (s *plainShop) saved() []string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "backups", "emergency_backup_*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return found
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

// TestTheRestoreWithoutOpsdeck runs the printed script with bash and the server's own client.
func TestTheRestoreWithoutOpsdeck(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health/ready" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer web.Close()
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newPlainShop(t, db, web.URL)
		yes := []string{"CONFIRM=" + s.schema}
		before := s.all()

		s.db.Exec(t, s.schema, "DELETE FROM customers", "CREATE TABLE younger (id INT)")
		out := s.run(1, []string{"CONFIRM=other"})
		if s.rows("customers") != "0" || s.did() != "" {
			t.Fatalf("not confirmed, and yet:\n%s", out)
		}
		out = s.run(0, yes)
		if s.all() != before || s.did() != "stop start " || !strings.Contains(out, "not changed: younger") {
			t.Fatalf("%s, was\n%s\n%s", s.all(), before, out)
		}
		saved := s.saved()
		if len(saved) != 1 || !strings.HasSuffix(saved[0], ".sql.gz") {
			t.Fatal(saved)
		}
		dump, err := exec.Command("gzip", "-dc", saved[0]).Output()
		if err != nil || !strings.Contains(string(dump), "younger") || strings.Contains(string(dump), "third") {
			t.Fatalf("the current state is not in it: %v\n%s", err, dump)
		}
		argv, err := os.ReadFile(filepath.Join(s.dir, "argv"))
		if err != nil || regexp.MustCompile(`(?m)(^| )(-p|--pass)`).Match(argv) ||
			!strings.Contains(string(argv), "--databases "+s.schema) {
			t.Fatalf("%v %s", err, argv)
		}

		// The whole database is gone: nothing can be saved, and that does not stop it.
		s.db.Exec(t, "", "DROP DATABASE "+s.schema)
		out = s.run(0, yes)
		if s.all() != before || !strings.Contains(out, "the database does not exist") || len(s.saved()) != 1 {
			t.Fatalf("%s, was\n%s\n%s", s.all(), before, out)
		}

		// A newest file that is cut between two members is whole for gzip, and is not used.
		s.did()
		cut := s.newestFile()
		if err := os.Truncate(cut, firstMember(t, cut)); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command("gzip", "-t", cut).Run(); err != nil {
			t.Fatalf("the cut file should pass gzip -t: %v", err)
		}
		s.refuses("its manifest is wrong: "+cut, yes, cut)
		out = s.run(0, append(yes, "SKIP_EMERGENCY=yes"))
		if s.rows("customers") != "2" || !strings.Contains(out, "is wrong: "+cut) {
			t.Fatalf("%s rows:\n%s", s.rows("customers"), out)
		}
		s.did()
		if err := os.Remove(cut + ".manifest.json"); err != nil {
			t.Fatal(err)
		}
		s.refuses("UNPROVEN=yes", yes, cut)
	})
}

// refuses runs the script where it has to stop before it changes anything.
func (s *plainShop) refuses(want string, env []string, args ...string) {
	s.t.Helper()
	rows, saved := s.all(), len(s.saved())
	out := s.run(1, env, args...)
	if !strings.Contains(out, want) || s.all() != rows || s.did() != "" || len(s.saved()) != saved {
		s.t.Fatalf("it should say %q and change nothing:\n%s", want, out)
	}
}

// TestTheScriptStopsBeforeHarm: dumps of another database, a backup of the current state
// that fails, a service that cannot be stopped, a load that fails in the middle.
func TestTheScriptStopsBeforeHarm(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newPlainShop(t, db, "")
		before := s.all()
		yes := []string{"CONFIRM=" + s.schema}
		for _, use := range []string{"USE `elsewhere`;", "use elsewhere ;"} {
			s.refuses("elsewhere", yes, s.file("CREATE TABLE a (id INT);\nUSE `"+s.schema+"`;\n"+use+
				"\nDROP TABLE b;\n"))
		}

		// A load that fails in the middle: the way back that it names works.
		out := s.run(1, yes, s.file("DELETE FROM customers;\nINSERT INTO nowhere VALUES (1);\n"))
		if s.rows("customers") != "0" || s.did() != "stop " || !strings.Contains(out, "do not start the service") {
			t.Fatalf("a load that fails in the middle:\n%s", out)
		}
		_, back, _ := strings.Cut(out, "previous state: ")
		cmd := exec.Command("sh", "-c", strings.TrimSpace(back))
		cmd.Env = append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), yes[0])
		text, err := cmd.CombinedOutput()
		if err != nil || s.all() != before {
			t.Fatalf("%s: %v\n%s\n%s", back, err, text, s.all())
		}
		s.did()

		// A view without its table: what can be read is kept, and the restore waits for a word.
		s.db.Exec(t, s.schema, "DROP TABLE orders")
		count := len(s.saved())
		out = s.run(1, yes)
		saved := s.saved()
		if len(saved) != count+1 || !strings.Contains(out, "SKIP_EMERGENCY=yes") ||
			!strings.Contains(out, ".incomplete") {
			t.Fatalf("%v\n%s", saved, out)
		}
		s.run(0, append(yes, "SKIP_EMERGENCY=yes"))
		if s.all() != before {
			t.Fatalf("%s, was\n%s", s.all(), before)
		}
		s.did()

		s.db.Exec(t, s.schema, "DELETE FROM customers")
		text, err = os.ReadFile(s.script)
		if err != nil {
			t.Fatal(err)
		}
		broken := strings.Replace(string(text), "echo stop >>", "exit 9; echo stop >>", 1)
		if err := os.WriteFile(s.script, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		s.refuses("STOPPED=yes", yes)
		s.run(0, append(yes, "STOPPED=yes"))
		if s.all() != before {
			t.Errorf("after all: %s", s.all())
		}
		s.did()

		// A dump of the current state that is half there.
		s.program("mysqldump", "echo '-- half of it'; exit 3")
		count = len(s.saved())
		out = s.run(1, append(yes, "STOPPED=yes"))
		if len(s.saved()) != count || s.all() != before || !strings.Contains(out, "SKIP_EMERGENCY=yes") {
			t.Errorf("a dump that fails half-way: %v\n%s", s.saved(), out)
		}
	})
}

// file is SQL that ends as a finished dump does.
func (s *plainShop) file(sql string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "other.sql")
	if err := os.WriteFile(path, []byte(sql+"-- Dump completed\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestTheScriptSpeaksBothLanguages(t *testing.T) {
	conf := configFile(t, "services:\n  - name: q\n    database: {name: db}\n    backup: {dir: /nowhere}\n")
	out := inChinese(t, conf, "runbook", "restore", "--plain")
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(out)
	if text, err := check.CombinedOutput(); err != nil || !strings.Contains(out, "m_load='导入备份。'") {
		t.Fatalf("%v %s\n%s", err, text, out)
	}
}

// inChinese is what a command prints in Chinese.
func inChinese(t *testing.T, conf string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	code := run(context.Background(), append([]string{"--config", conf, "--lang", "zh"}, args...),
		stdio{in: strings.NewReader(""), out: &said, err: io.Discard})
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	return said.String()
}

// newestOf is the index of the newest of two backups, which may be of one second.
func newestOf(files []string) int {
	if strings.Contains(filepath.Base(files[0]), "-2.sql") {
		return 0
	}
	return len(files) - 1
}
