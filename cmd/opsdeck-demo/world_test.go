package main

import (
	"bufio"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/ops/backup"
)

// TestMain lets the test binary be the demo too, as its children are.
func TestMain(m *testing.M) {
	if os.Getenv(demoEnv) != "" ||
		len(os.Args) > 1 && slices.Contains([]string{"up", "backend", "service", "fault", "faults"}, os.Args[1]) {
		main()
		os.Exit(0)
	}
	code := m.Run()
	if building.path != "" && os.Getenv("OPSDECK_TEST_PROGRAM") == "" {
		os.RemoveAll(filepath.Dir(building.path))
	}
	os.Exit(code)
}

// demoEnv makes the test binary the demo with no verb.
const demoEnv = "OPSDECK_DEMO_TEST"

// running is a world in a process of its own.
type running struct {
	dir string
	cmd *exec.Cmd
	url string
}

func bringUp(t *testing.T, args ...string) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "opsdeck-world-")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{dir: dir, cmd: exec.Command(self, append([]string{"up", "--dir", dir}, args...)...)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problems strings.Builder
	r.cmd.Stderr = &problems
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		eventually(t, "everything to end", func() bool { return len(r.left(t)) == 0 })
		os.RemoveAll(dir)
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready "+dir+"/config.yaml\n" {
		r.cmd.Wait()
		t.Fatalf("got %q, %v: %s", line, err, problems.String())
	}
	config, err := os.ReadFile(dir + "/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r.url = regexp.MustCompile(`http://127[^"]*`).FindString(string(config))
	return r
}

// demo runs a verb of the demo on the world and returns its exit code.
func (r *running) demo(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	cmd := exec.Command(r.cmd.Path, append(args, "--dir", r.dir)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// left names the processes that have the world's folder on their command line.
func (r *running) left(t *testing.T) []string {
	t.Helper()
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), r.dir) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

func (r *running) get(path string) (code int, body string) {
	client := http.Client{Timeout: time.Minute}
	res, err := client.Get(r.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// becomes waits until readiness answers so; an answer stays good for a second.
func (r *running) becomes(t *testing.T, code int, parts ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("readiness to answer %d %q", code, parts), func() bool {
		got, body := r.get("/health/ready")
		return got == code && !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(body, p) })
	})
}

func (r *running) open(t *testing.T) *sql.DB {
	t.Helper()
	var conf backendConfig
	text, err := os.ReadFile(r.dir + "/run/backend.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &conf); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", conf.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (r *running) count(t *testing.T, query string) (n int) {
	t.Helper()
	db := r.open(t)
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestTheWorldLivesAndEndsWithoutATrace(t *testing.T) {
	r := bringUp(t)
	for path, shape := range map[string]string{
		"/health":         `^\{"status":"ok","timestamp":"[0-9TZ:.-]{24}","uptime":[0-9.]+,"message":"Service is running"\}\n?$`,
		"/health/ready":   `^\{"status":"ready","timestamp":"[0-9TZ:.-]{24}","checks":\{"database":true,"redis":true\},"message":"Service is ready"\}\n?$`,
		"/health/version": `^\{"name":"qianzhang-backend","version":"[0-9.]+","description":"千张销售管理系统","timestamp":"[0-9TZ:.-]{24}","environment":"demo"\}\n?$`,
	} {
		if code, body := r.get(path); code != 200 || !regexp.MustCompile(shape).MatchString(body) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	for _, c := range columns {
		if n := r.count(t, "SELECT COUNT(*) FROM "+c.table); n < 50 {
			t.Errorf("%s holds %d rows", c.table, n)
		}
	}
	orders, audits := r.count(t, "SELECT COUNT(*) FROM orders"), r.count(t, "SELECT COUNT(*) FROM audit_logs")
	eventually(t, "a new order and its audit row", func() bool {
		return r.count(t, "SELECT COUNT(*) FROM orders") > orders &&
			r.count(t, "SELECT COUNT(*) FROM audit_logs") > audits
	})
	if info, err := os.Stat(r.dir + "/my.cnf"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("my.cnf: %v, %v", info.Mode(), err)
	}
	r.cmd.Process.Signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if left := r.left(t); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
}

func TestTheServiceStopsAndStartsByItsCommands(t *testing.T) {
	r := bringUp(t)
	for _, step := range []struct {
		verb string
		code int
	}{{"status", 0}, {"stop", 0}, {"status", 3}, {"stop", 0}, {"start", 0}, {"status", 0}} {
		if code, out := r.demo(t, "service", step.verb); code != step.code {
			t.Fatalf("service %s: exit %d, want %d: %s", step.verb, code, step.code, out)
		}
	}
	eventually(t, "the back end to answer", func() bool { code, _ := r.get("/health/ready"); return code == 200 })
}

func TestFaultsShowAndHeal(t *testing.T) {
	r := bringUp(t, "--fault", "app-crash")
	if code, _ := r.get("/health"); code != 0 {
		t.Errorf("the crashed back end answers %d", code)
	}
	if code, _ := r.demo(t, "service", "status"); code != 3 {
		t.Errorf("status of the crashed back end is %d", code)
	}
	r.demo(t, "fault", "heal")
	eventually(t, "the back end after healing", func() bool { code, _ := r.get("/health/ready"); return code == 200 })

	r.demo(t, "fault", "db-down")
	r.becomes(t, 503, `"status":"not ready"`, `"database":false`)
	if _, out := r.demo(t, "faults"); !strings.Contains(out, "* db-down") {
		t.Errorf("faults: %s", out)
	}
	r.demo(t, "fault", "db-down", "--heal")
	r.becomes(t, 200, `"status":"ready"`)
	if n := r.count(t, "SELECT COUNT(*) FROM orders"); n < orderCount {
		t.Errorf("%d orders survived the stop", n)
	}

	r.demo(t, "fault", "db-damaged")
	if n := r.count(t, "SELECT COUNT(*) FROM customers"); n != 40 {
		t.Errorf("%d customers after the damage", n)
	}
	if _, err := r.open(t).Exec("SELECT 1 FROM ar_payment_applications"); err == nil {
		t.Error("the lost table is there")
	}

	r.demo(t, "fault", "disk-full")
	if _, err := r.open(t).Exec("INSERT INTO products (sku, name, unit, price, stock) VALUES ('X', 'x', 'x', 1, 1)"); err == nil ||
		!strings.Contains(err.Error(), "1114") {
		t.Errorf("a row on a full disk: %v", err)
	}
	r.demo(t, "fault", "disk-full", "--heal")

	r.demo(t, "fault", "slow")
	eventually(t, "a slow answer", func() bool {
		began := time.Now()
		code, _ := r.get("/health/ready")
		return code == 200 && time.Since(began) > time.Second
	})
	if code, out := r.demo(t, "fault", "flood"); code == 0 || !strings.Contains(out, "db-down") {
		t.Errorf("an unknown fault: exit %d, %s", code, out)
	}
}

func TestTheBackEndDiesWithAKilledWorld(t *testing.T) {
	r := bringUp(t)
	if len(r.left(t)) < 2 {
		t.Fatalf("only %q runs", r.left(t))
	}
	r.cmd.Process.Kill()
	r.cmd.Wait()
	eventually(t, "the back end to end", func() bool { return len(r.left(t)) == 0 })
}

func TestTheWorldTakesOnlyAFolderOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/precious", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newWorld(options{dir: dir}); err == nil {
		t.Error("it took a folder with something in it")
	}
	own := t.TempDir()
	w, err := newWorld(options{dir: own})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newWorld(options{dir: own}); err == nil || !strings.Contains(err.Error(), "up already") {
		t.Errorf("a second world in one folder: %v", err)
	}
	w.close()
	again, err := newWorld(options{dir: own})
	if err != nil {
		t.Fatalf("the folder of a world that ended: %v", err)
	}
	again.close()
}

func TestTheInventoryHasTwoFaultsAndOnlyTwo(t *testing.T) {
	r := bringUp(t)
	var bad []string
	own := 0
	files, _ := filepath.Glob(r.dir + "/backups/*.sql.gz")
	for _, file := range files {
		check, err := backup.Verify(t.Context(), file, time.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := unzip(file)
		if !check.OK() || err != nil || !strings.Contains(text, "Dump completed") {
			bad = append(bad, fmt.Sprintf("%s: %d bytes, %v", filepath.Base(file), len(text), check.Problems))
		}
		if _, err := backup.ReadManifest(file); err == nil {
			own++
		}
	}
	if drills, err := backup.Drills(r.dir+"/state", database); err != nil || len(drills) < 4 {
		t.Errorf("%d drills on record, %v", len(drills), err)
	}
	if len(bad) != 2 || len(files) < 20 || own < 12 {
		t.Errorf("%d files, %d of them our own, bad: %q", len(files), own, bad)
	}
}

func unzip(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

func TestARealServerServesTheWorldToo(t *testing.T) {
	if _, err := exec.LookPath("/usr/sbin/mariadbd"); err != nil {
		t.Skip("no mariadbd here")
	}
	r := bringUp(t, "--real")
	if n := r.count(t, "SELECT COUNT(*) FROM audit_logs"); n < 1000 {
		t.Errorf("%d audit rows", n)
	}
	r.demo(t, "fault", "db-down")
	r.becomes(t, 503)
	r.demo(t, "fault", "heal")
	r.becomes(t, 200)
}
