package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// ahead is the machine's clock, set forward by a test.
type ahead struct{ by atomic.Int64 }

func (a *ahead) Now() time.Time { return time.Now().Add(time.Duration(a.by.Load())) }

// watches runs the watcher of a configuration in this process, by a clock, until the test
// ends. said are the lines that it says.
func watches(t *testing.T, config string, clock *ahead) {
	t.Helper()
	a := newApp(stdio{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, os.Getenv,
		&globals{ConfigFile: config})
	a.clock = clock
	services, err := a.statusServices()
	if err != nil {
		t.Fatal(err)
	}
	state, err := a.stateDir()
	if err != nil {
		t.Fatal(err)
	}
	w, err := alertWatcher(a, services, state, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestCopiesAndArchiveThatLagAreToldAndResolved: a watcher looks at a real server, its
// archived log and a real copy. Each rule is told when it becomes true, and once more when
// somebody has mended it by the command that the alert names.
func TestCopiesAndArchiveThatLagAreToldAndResolved(t *testing.T) {
	s := testdb.MariaDB(t)
	beginLog(t, s)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "CREATE TABLE orders (id INT PRIMARY KEY)")
	hook := &flaky{keys: map[string]bool{}, told: map[string]int{}}
	server := httptest.NewServer(hook)
	defer server.Close()
	secret := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(secret, []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cloud := bucket(t, "lags")
	sh := newNightly(t, s, db, cloud)
	sh.edit(`health: {url: ""}`, `health: {url: "", interval: 20ms}`)
	sh.edit("    backup:\n", fmt.Sprintf("    notify: [{name: hook, kind: webhook, url_file: %s, per_minute: 100000}]\n"+
		"    backup:\n      binlog: follow\n", secret))
	sh.run(0, nil, "backup", "create")
	sh.run(0, nil, "backup", "sync")
	s.Exec(t, db, "INSERT INTO orders VALUES (1)")
	sh.run(0, nil, "backup", "binlog", "fetch")
	clock := &ahead{}
	clock.by.Store(int64(10 * time.Minute))
	watches(t, sh.config, clock)
	told := func(what, rule string, n int) {
		t.Helper()
		until(t, what+" "+rule, func() bool { return hook.has(what+" "+rule) == n })
	}

	s.Exec(t, db, "INSERT INTO orders VALUES (2)") // ten minutes ago, by the watcher's clock
	told("fired", "binlog-lag", 1)
	if hook.has("fired copies-behind") != 0 || hook.has("fired backup") != 0 {
		t.Errorf("told of what is in order: %v", hook.told)
	}
	sh.run(0, nil, "backup", "binlog", "fetch")
	told("resolved", "binlog-lag", 1)

	s.Exec(t, db, "INSERT INTO orders VALUES (3)", "FLUSH BINARY LOGS", "INSERT INTO orders VALUES (4)")
	until(t, "the gap", func() bool {
		beginLog(t, s) // it purges what is not archived yet, unless a check is just reading it
		return hook.has("fired backup") == 1
	})
	sh.whatever("backup", "binlog", "fetch") // it tells the gap, as a failure
	sh.run(0, nil, "backup", "create")       // a full backup after the gap, which the copy does not have
	told("resolved", "backup", 1)

	clock.by.Store(int64(7 * time.Hour))
	told("fired", "copies-behind", 1)
	sh.run(0, nil, "backup", "sync")
	told("resolved", "copies-behind", 1)
}

// TestWithoutAnArchiveThereIsNoRuleForIt: what is not configured neither fires nor counts as
// in order.
func TestWithoutAnArchiveThereIsNoRuleForIt(t *testing.T) {
	config := configFile(t, fmt.Sprintf("services:\n  - name: q\n    health: {url: \"\"}\n    logs: []\n"+
		"    database: {name: q, host: 127.0.0.1, port: 1}\n    backup: {dir: %s}\nstate_dir: %s\n", t.TempDir(),
		t.TempDir()))
	out, _ := asked(t, config, 0, "watch", "rules")
	if strings.Contains(out, "binlog-lag") || strings.Contains(out, "copies-behind") ||
		!strings.Contains(out, "jobs-missed") {
		t.Errorf("the rules are\n%s", out)
	}
	if _, errs := asked(t, config, 64, "watch", "test", "binlog-lag"); !strings.Contains(errs, "no rule") {
		t.Error(errs)
	}
}
