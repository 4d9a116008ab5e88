package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestAStoppedServerIsToldWithinTwoIntervals stops a real MariaDB under a real watch,
// of a service that has no backup, and starts it again.
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
	dir := t.TempDir()
	secret := filepath.Join(dir, "hook")
	if err := os.WriteFile(secret, []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	config := configFile(t, fmt.Sprintf(`state_dir: %s
services:
  - name: maria
    health: {url: "", interval: %s}
    database: {name: mysql, options_file: %s}
    backup: {daily: never, verify: never, drill: never, dir: %s}
    notify: [{name: hook, kind: webhook, url_file: %s, on: [status]}]
`, filepath.Join(dir, "state"), interval, s.OptionsFile(t), filepath.Join(dir, "backups"), secret))
	w := startWatch(t, bin, config, "--alerts-only")
	defer w.kill()
	w.await("targets")
	time.Sleep(interval / 5) // the first look is over
	s.Stop(t)
	stopped := time.Now()
	await(t, 2*interval, func() bool { return hook.has("fired mysql") > 0 }, w.text)
	t.Logf("told after %s", time.Since(stopped).Round(time.Millisecond))
	s.Start(t)
	await(t, 6*interval, func() bool { return hook.has("resolved mysql") > 0 }, w.text)
	if n := hook.has("fired schema"); n > 0 {
		t.Error("what follows from it was told too")
	}
}
