package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"

	restorerun "opsdeck/ops/restore/run"
)

// program builds the real program once: workers are processes of their own. .ci/test has
// built it for all its processes.
var program = sync.OnceValues(func() (string, error) {
	if built := os.Getenv("OPSDECK_TEST_PROGRAM"); built != "" {
		return built, nil
	}
	dir, err := os.MkdirTemp("", "opsdeck-bin")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "opsdeck")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// site is a service to restore: a real server with a schema, a process that is
// a file, a health endpoint that looks at both, a folder of backups.
type realSite struct {
	t       testing.TB
	db      *testdb.Server
	live    string
	dir     string
	bin     string
	health  *httptest.Server
	options string      // its options file
	env     []string    // further environment of the program
	up      func() bool // whether the service runs, where it is not a file
}

var shopSchema = []string{
	"CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80)) ENGINE=InnoDB DEFAULT " +
		"CHARSET=utf8mb4",
	"CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer_id INT NOT NULL, amount DECIMAL(12,2), " +
		"created_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), CONSTRAINT fk_c FOREIGN KEY (customer_id) REFERENCES " +
		"customers (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"CREATE TABLE ar_invoices (id INT PRIMARY KEY AUTO_INCREMENT, total DECIMAL(12,2)) ENGINE=InnoDB DEFAULT " +
		"CHARSET=utf8mb4",
	"CREATE TRIGGER orders_bi BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = COALESCE(NEW.amount, 0)",
	"CREATE VIEW order_names AS SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id",
	"CREATE PROCEDURE total_of(IN c INT) SELECT SUM(amount) FROM orders WHERE customer_id = c",
	"CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM ar_invoices WHERE id < 0",
	"INSERT INTO customers (name) VALUES ('张三'), ('李四')",
	"INSERT INTO orders (customer_id, amount, created_at) VALUES (1, 10.5, '2026-01-01'), (2, 99, '2026-01-02')",
	"INSERT INTO ar_invoices (total) VALUES (5), (6), (7)",
}

var shopDamage = []string{
	"UPDATE customers SET name = 'damaged'", "DROP VIEW order_names", "DROP TABLE ar_invoices",
	"INSERT INTO orders (customer_id, amount) VALUES (1, 1)", "DROP EVENT nightly",
}

func newSite(t testing.TB, db *testdb.Server) *realSite {
	t.Helper()
	s := emptySite(t, db, db.Schema(t))
	db.Exec(t, s.live, shopSchema...)
	return s
}

// emptySite is a site whose schema is there, and what is in it the caller's. It has
// no key tables.
func emptySite(t testing.TB, db *testdb.Server, live string) *realSite {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &realSite{t: t, db: db, live: live, dir: t.TempDir(), bin: bin, options: db.OptionsFile(t)}
	s.write("up", "")
	s.health = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status, code := "ready", http.StatusOK
		if _, err := os.Stat(filepath.Join(s.dir, "up")); err != nil {
			status, code = "not ready", http.StatusServiceUnavailable
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"status":%q}`, status)
	}))
	t.Cleanup(s.health.Close)
	up := filepath.Join(s.dir, "up")
	s.write("config.yaml", fmt.Sprintf(`services:
  - name: shop
    health: {url: %q}
    database: {name: %s, options_file: %s, host: 127.0.0.1, port: %d}
    redis: {address: ""}
    process: {kind: command, name: shop, start: "touch %s", stop: "rm -f %s", status: "test -f %s || exit 3"}
    logs: []
    backup: {dir: %s, keep: {daily: 7}}
    restore: {key_tables: [customers, orders], smoke_test: ["SELECT COUNT(*) > 0 FROM customers"], ready_wait: 1m}
state_dir: %s
`, s.health.URL, s.live, s.options, db.Port, up, up, up, filepath.Join(s.dir, "backups"),
		filepath.Join(s.dir, "state")))
	t.Cleanup(func() {
		s.endWorkers()
		for _, side := range s.sides() {
			db.Exec(t, "", "DROP DATABASE `"+side+"`")
		}
	})
	return s
}

// endWorkers ends what a test that failed left behind: a worker whose question
// nobody answers.
func (s *realSite) endWorkers() {
	store := restorerun.Store{Dir: filepath.Join(s.dir, "state")}
	ids, err := store.Runs()
	if err != nil {
		s.t.Error(err)
	}
	for _, id := range ids {
		who, held, err := lock.Look(store.Folder(id).WorkerLock())
		if err != nil {
			s.t.Error(err)
		}
		if !held || who.PID == 0 {
			continue
		}
		syscall.Kill(who.PID, syscall.SIGKILL)
		until(
			s.t,
			"the worker's end",
			func() bool { _, held, _ := lock.Look(store.Folder(id).WorkerLock()); return !held },
		)
	}
}

func (s *realSite) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *realSite) running() bool {
	_, err := os.Stat(filepath.Join(s.dir, "up"))
	return err == nil
}

// sides are the schemas beside the live one.
func (s *realSite) sides() (out []string) {
	rows, err := s.db.Open(s.t, "").
		Query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ?",
			strings.ReplaceAll(s.live[:min(len(s.live), 30)], "_", `\_`)+`%\_\_%`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n string
		rows.Scan(&n)
		out = append(out, n)
	}
	return out
}

var dumpNoise = regexp.MustCompile(`(?m)^--.*$|^/\*!50003 SET .*$| AUTO_INCREMENT=\d+|/\*M?!\d+\\- .*\*/`)

// impliedCharset is what MySQL shows before a collation once a table was made of what it
// showed: the same column.
var impliedCharset = regexp.MustCompile(` CHARACTER SET \w+( COLLATE )`)

// dump is the live schema by mysqldump's word.
func (s *realSite) dump(more ...string) string {
	args := append([]string{"--routines", "--triggers", "--events"}, more...)
	if s.db.Flavour == "mysql" {
		args = append(args, "--set-gtid-purged=OFF")
	}
	lines := strings.Split(string(s.db.Dump(s.t, append(args, s.live)...)), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "INSERT INTO ") &&
			!strings.HasPrefix(line, "(") { // rows hold no noise, and take long to look through
			lines[i] = impliedCharset.ReplaceAllString(dumpNoise.ReplaceAllString(line, ""), "$1")
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), s.live, "LIVE")
}

type outcome struct {
	code     int
	out, err string
}

func (s *realSite) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.bin, append(args, "--config="+filepath.Join(s.dir, "config.yaml"), "--lang=en")...)
	cmd.Env = append(append(os.Environ(), "HOME="+s.dir, "TERM=dumb"), s.env...)
	return cmd
}

func (s *realSite) run(args ...string) outcome {
	s.t.Helper()
	cmd := s.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// opsdeck is a command as the program advises it for this site.
func (s *realSite) opsdeck(args string) string {
	return "opsdeck --config " + filepath.Join(s.dir, "config.yaml") + " " + args
}

func (s *realSite) must(args ...string) outcome {
	s.t.Helper()
	o := s.run(args...)
	if o.code != 0 {
		s.t.Fatalf("%v: exit %d\n%s\n%s", args, o.code, o.out, o.err)
	}
	return o
}

// lastLine is the last NDJSON line.
func (o outcome) lastLine(t testing.TB) (v struct{ ID, Result, Restored_To, Report string }) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatalf("%v in %q", err, o.out)
	}
	return v
}

func sameDump(t testing.TB, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("line %d\nwant %s\n got %s", i+1, w[i], g[i])
		}
	}
	if len(w) != len(g) {
		t.Fatalf("%d lines instead of %d", len(g), len(w))
	}
}

func TestRestoreHeadlessEndToEnd(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for _, mode := range []string{"swap", "in-place"} {
			t.Run(mode, func(t *testing.T) {
				s := newSite(t, db)
				good := s.dump()
				s.must("backup", "create")
				db.Exec(t, s.live, shopDamage...)
				db.Exec(t, s.live, "CREATE TABLE made_later (id INT PRIMARY KEY)")
				damaged := s.dump()

				plan := s.must("restore", "--plan", "--mode", mode, "--json", "--accept-missing", "made_later")
				var p struct {
					Hash string
					Mode string
				}
				if err := json.Unmarshal([]byte(plan.out), &p); err != nil || p.Mode != mode {
					t.Fatalf("%v: %s", err, plan.out)
				}
				if o := s.run("restore", "--mode", mode, "--json", "--accept-missing", "made_later"); o.code != 64 {
					t.Fatalf("without --confirm: exit %d\n%s", o.code, o.err)
				}
				sameDump(t, damaged, s.dump())
				if o := s.run("restore", "--mode", mode, "--confirm", s.live); o.code != 1 ||
					!strings.Contains(o.err, "--accept-missing made_later") {
					t.Fatalf("a table that would vanish: exit %d\n%s", o.code, o.err)
				}
				sameDump(t, damaged, s.dump())

				o := s.must(
					"restore",
					"--mode",
					mode,
					"--json",
					"--confirm",
					s.live,
					"--accept-missing",
					"made_later",
					"--plan-hash",
					p.Hash,
				)
				if last := o.lastLine(t); last.Result != "restored" || last.Report == "" {
					t.Fatalf("last line %+v\n%s", last, o.out)
				}
				sameDump(t, good, s.dump())
				if !s.running() {
					t.Fatal("the service is down")
				}
				report := s.must("restore", "report").out
				for _, want := range []string{"restored", "emergency_backup_" + s.live, "made_later", "Timeline"} {
					if !strings.Contains(report, want) {
						t.Errorf("the report lacks %q:\n%s", want, report)
					}
				}
				if o := s.must("operations"); !strings.Contains(o.out, "restore.run") {
					t.Errorf("no record of the operation:\n%s", o.out)
				}

				o = s.must("restore", "undo", "--json", "--confirm", s.live)
				if last := o.lastLine(t); last.Result != "undone" {
					t.Fatalf("last line %+v\n%s", last, o.out)
				}
				sameDump(t, damaged, s.dump())
				if !s.running() {
					t.Fatal("the service is down")
				}
				if mode == "swap" {
					s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
					if left := s.sides(); len(left) > 0 {
						t.Fatalf("schemas are left: %v", left)
					}
				}
			})
		}
	})
}
