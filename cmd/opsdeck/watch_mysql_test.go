package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestAStoppedServerIsToldWithinTwoIntervals stops a real MariaDB under a real watch,
// of a service that has no backup, and starts it again. The intervals are those of the
// watcher itself: how often it asked the service, which still answers, since the stop.
func TestAStoppedServerIsToldWithinTwoIntervals(t *testing.T) {
	t.Parallel()
	const interval = 10 * time.Second
	s := testdb.Private(t, "mariadb")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	hook := &flaky{keys: map[string]bool{}, told: map[string]int{}}
	server := httptest.NewServer(hook)
	defer server.Close()
	var asked atomic.Int64 // once an interval
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			asked.Add(1)
		}
		fmt.Fprint(w, `{"status": "ok"}`)
	}))
	defer service.Close()
	dir := t.TempDir()
	secret := filepath.Join(dir, "hook")
	if err := os.WriteFile(secret, []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	config := configFile(t, fmt.Sprintf(`state_dir: %s
services:
  - name: maria
    health: {url: "%s", interval: %s}
    database: {name: mysql, options_file: %s}
    backup: {daily: never, verify: never, drill: never, dir: %s}
    notify: [{name: hook, kind: webhook, url_file: %s, on: [status]}]
`, filepath.Join(dir, "state"), service.URL, interval, s.OptionsFile(t), filepath.Join(dir, "backups"), secret))
	w := startWatch(t, bin, config, "--alerts-only")
	defer w.kill()
	w.await("targets")
	await(t, ample, func() bool { return asked.Load() > 0 }, w.text)
	time.Sleep(interval / 5) // the first look is over; if it is not, the stop is seen the sooner
	s.Stop(t)
	before := asked.Load()
	stopped := time.Now()
	await(t, ample, func() bool { return hook.has("fired mysql") > 0 }, w.text)
	if n := asked.Load() - before; n > 1 {
		t.Errorf("it was told after two intervals: %d looks", n)
	}
	t.Logf("told after %s", time.Since(stopped).Round(time.Millisecond))
	s.Start(t)
	await(t, ample, func() bool { return hook.has("resolved mysql") > 0 }, w.text)
	if n := hook.has("fired schema"); n > 0 {
		t.Error("what follows from it was told too")
	}
}
