package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// configFile writes a configuration and returns its path.
func configFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// watched runs `status --watch` and returns a function that waits for a line
// with all the given words, and one that ends it and returns the exit code.
func watched(t *testing.T, config string, args ...string) (await func(words ...string), end func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"--config", config, "--lang", "en", "status", "--watch", "200ms"}, args...),
			stdio{in: strings.NewReader(""), out: w, err: &errs})
		w.Close()
	}()
	lines := make(chan string, 1000)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
		close(lines)
	}()
	var seen []string
	await = func(words ...string) {
		t.Helper()
		late := time.After(5 * time.Minute)
		for {
			select {
			case line := <-lines:
				seen = append(seen, line)
				if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
					return
				}
			case <-late:
				t.Fatalf("never saw %v in:\n%s\n%s", words, strings.Join(seen, "\n"), errs.String())
			}
		}
	}
	end = sync.OnceValue(func() int {
		cancel()
		go func() {
			for range lines {
			}
		}()
		return <-code
	})
	t.Cleanup(func() { end() })
	return await, end
}

func TestWatchSeesEachServerStopAndComeBack(t *testing.T) {
	t.Parallel()
	my, maria, redis := testdb.Private(t, "mysql"), testdb.Private(t, "mariadb"), testdb.Redis(t)
	config := configFile(t, fmt.Sprintf(`services:
  - name: my
    health: {url: "", timeout: 1m}
    database: {name: app, options_file: %s}
    redis: {address: %q, required: true}
  - name: maria
    health: {url: "", timeout: 1m}
    database: {name: app, options_file: %s}
`, my.OptionsFile(t), redis.Addr, maria.OptionsFile(t)))
	await, end := watched(t, config, "--only", "mysql,redis")
	for range 3 { // the first looks, in any order
		await("  ok  ")
	}
	for _, s := range []struct {
		name  string
		stop  func()
		start func()
	}{
		{"my/mysql", my.Kill, func() { my.Start(t) }},
		{"maria/mysql", func() { maria.Stop(t) }, func() { maria.Start(t) }},
		{"my/redis", redis.Kill, func() { redis.Start(t) }},
	} {
		s.stop()
		await(s.name, "ok → critical") // who looked while it stopped may have seen a connection break
		if code, out := statusOf(t, config, "--only", s.name); code != 2 ||
			!strings.Contains(out, "connection refused)") {
			t.Errorf("%s: exit code %d:\n%s", s.name, code, out)
		}
		s.start()
		await(s.name, "critical → ok")
	}
	if code := end(); code != 130 {
		t.Fatalf("exit code %d after an interrupt", code)
	}
}

func TestWatchSeesPM2StopAndComeBack(t *testing.T) {
	daemon := testdb.PM2(t)
	t.Setenv("PATH", filepath.Dir(daemon.Bin)+":"+os.Getenv("PATH"))
	script := filepath.Join(daemon.Dir, "app.js")
	if err := os.WriteFile(script, []byte("setInterval(() => {}, 1000)"), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon.Run(t, "start", script, "--name", "back")
	config := configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: x\n    health: {url: \"\", fails: 1, passes: 1, timeout: 1m}\n    process: {kind: "+
				"pm2, name: back, home: %q}\n",
			daemon.Home,
		),
	)
	await, _ := watched(t, config, "--only", "process")
	await("process", "ok", "running")
	daemon.Run(t, "stop", "back")
	await("process", "ok → critical")
	if code, out := statusOf(t, config, "--only", "process"); code != 2 ||
		!strings.Contains(out, "process back is stopped") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	daemon.Run(t, "start", "back")
	await("process", "critical → ")
}

// statusOf runs status once and returns its exit code and its output.
func statusOf(t *testing.T, config string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(
		t.Context(),
		append([]string{"--config", config, "--lang", "en", "status"}, args...),
		stdio{in: strings.NewReader(""), out: &out, err: &out},
	)
	return code, out.String()
}

func TestStatusEndsInTimeWhateverHangs(t *testing.T) {
	silent := testdb.Listen(t, func(net.Conn) {})
	config := configFile(t, fmt.Sprintf(`services:
  - name: x
    health: {url: "http://%[1]s:%[2]d", timeout: 300ms}
    database: {name: app, host: %[1]s, port: %[2]d, user: u, data_dir: /}
    redis: {address: "%[1]s:%[2]d"}
    process: {kind: command, start: "true", stop: "true", status: "sleep 600"}
`, silent.IP, silent.Port))
	code, out := statusOf(t, config, "--only", "health,mysql,redis")
	if code != 2 || strings.Count(out, "timed out without a response") < 2 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	mysql, rest, _ := strings.Cut(out, "; ")
	if !strings.HasPrefix(mysql, "✖ MySQL does not respond ("+silent.String()+": no response within ") ||
		!strings.HasPrefix(rest, "/health fails (timed out without a response)") {
		t.Fatalf("verdict:\n%s", out)
	}
}

// TestStatusThatIsCutShortKnowsNothing: what --timeout ended is unknown, and not down.
func TestStatusThatIsCutShortKnowsNothing(t *testing.T) {
	silent := testdb.Listen(t, func(net.Conn) {})
	config := configFile(t, fmt.Sprintf(`services:
  - name: x
    health: {url: "http://%[1]s:%[2]d", timeout: 1m}
    database: {name: app, host: %[1]s, port: %[2]d, user: u, data_dir: /}
    redis: {address: "%[1]s:%[2]d", required: true}
    process: {kind: command, start: "true", stop: "true", status: "sleep 600"}
`, silent.IP, silent.Port))
	for _, timeout := range []string{"1ms", "300ms"} {
		began := time.Now()
		code, out := statusOf(t, config, "--timeout", timeout, "--only", "health,mysql,redis,process")
		if code != 3 || strings.Count(out, "was not checked") < 4 || strings.Contains(out, "is down") {
			t.Errorf("--timeout %s: exit code %d:\n%s", timeout, code, out)
		}
		if took := time.Since(began); took > 50*time.Second {
			t.Errorf("--timeout %s took %v", timeout, took)
		}
		doc, errs := asked(t, config, 3, "--timeout", timeout, "doctor")
		if !strings.Contains(doc, "time-limit") || !strings.Contains(doc, "state-folder") ||
			!strings.Contains(doc, "not everything was checked: --timeout "+timeout+" is over") ||
			strings.Contains(doc, "critical") || !strings.Contains(errs, "gave up after --timeout "+timeout) {
			t.Errorf("doctor --timeout %s: %s%s", timeout, doc, errs)
		}
	}
}

func TestStatusJSONHasTheKeysOfTheContract(t *testing.T) {
	s := testdb.Redis(t)
	config := configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: x\n    health: {url: \"\", timeout: 1m, disk_free: 0.001}\n    redis: {address: %q}\n    backup: "+
				"{dir: %q}\n",
			s.Addr,
			t.TempDir(),
		),
	)
	code, out := statusOf(t, config, "--json")
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, out)
	}
	if got := slices.Sorted(maps.Keys(doc)); !slices.Equal(
		got,
		[]string{"checked_at", "checks", "summary", "verdict"},
	) {
		t.Errorf("keys %v", got)
	}
	if string(doc["verdict"]) != `"ok"` {
		t.Errorf("verdict %s", doc["verdict"])
	}
	var checks []map[string]json.RawMessage
	if err := json.Unmarshal(doc["checks"], &checks); err != nil || len(checks) == 0 {
		t.Fatalf("checks: %v", err)
	}
	for _, c := range checks {
		if got := slices.Sorted(maps.Keys(c)); !slices.Equal(
			got,
			[]string{"detail", "fields", "kind", "latency_ms", "name", "state"},
		) {
			t.Errorf("keys of a check: %v", got)
		}
	}
}

func TestExitCodeIsTheState(t *testing.T) {
	s := testdb.Redis(t)
	gone := testdb.Redis(t)
	gone.Kill()
	for name, c := range map[string]struct {
		redis string
		want  int
	}{
		"ok":       {fmt.Sprintf("{address: %q}", s.Addr), 0},
		"warning":  {fmt.Sprintf("{address: %q}", gone.Addr), 1},
		"critical": {fmt.Sprintf("{address: %q, required: true}", gone.Addr), 2},
		"unknown":  {fmt.Sprintf("{address: %q, password_file: /nowhere}", s.Addr), 3},
	} {
		t.Run(name, func(t *testing.T) {
			config := configFile(
				t,
				"services:\n  - name: x\n    health: {url: \"\", timeout: 1m, disk_free: 0.001}\n    redis: "+c.redis+"\n",
			)
			if code, out := statusOf(t, config); code != c.want {
				t.Fatalf("exit code %d:\n%s", code, out)
			}
		})
	}
}

// BenchmarkStatusOfRefusedPorts is the whole command inside this process: from
// its arguments to the table.
func BenchmarkStatusOfRefusedPorts(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "config.yaml")
	text := "services:\n  - name: x\n    health: {url: \"http://127.0.0.1:1\"}\n    database: {name: a, host: " +
		"127.0.0.1, port: 1}\n    redis: {address: \"127.0.0.1:1\"}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if code := run(b.Context(), []string{"--config", path, "status"},
			stdio{out: io.Discard, err: io.Discard}); code != 2 {
			b.Fatalf("exit code %d", code)
		}
	}
}
