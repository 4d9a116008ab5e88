package main

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestTheSilenceOfAKilledRestoreEnds: a real restore silences the alerts of its service
// while its worker lives. kill -9 of the worker ends that: what is wrong then is told, and
// that the restore stopped partway.
func TestTheSilenceOfAKilledRestoreEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	hook := &flaky{keys: map[string]bool{}, told: map[string]int{}}
	server := httptest.NewServer(hook)
	defer server.Close()
	s.write("hook", server.URL)
	log := filepath.Join(s.dir, "app.log")
	appendTo(t, log, "the beginning")
	s.amend("    logs: []\n", fmt.Sprintf("    logs: [%s]\n"+
		"    notify: [{name: hook, kind: webhook, url_file: %s, on: [status], per_minute: 100000}]\n"+
		"    alerts: {rules: [{name: needle, query: needle, keep_firing: 1h}]}\n", log, filepath.Join(s.dir, "hook")))
	s.amend("health: {", "health: {interval: 200ms, ")
	goOn := s.stopsLate()
	defer goOn()
	s.must("backup", "create")
	w := startWatch(t, s.bin, filepath.Join(s.dir, "config.yaml"), "--alerts-only")
	defer w.kill()
	w.await("targets")
	until(t, "the first state", func() bool {
		o := s.run("alerts") // others may be firing on a busy machine
		return !strings.Contains(o.out+o.err, "has never run")
	})

	restore := s.command("restore", "--confirm", s.live)
	if err := restore.Start(); err != nil {
		t.Fatal(err)
	}
	waitStage(t, s, "stopping")
	appendTo(t, log, "a needle")
	until(t, "it is silenced", func() bool {
		out := s.run("alerts").out
		return strings.Contains(out, "needle") && strings.Contains(out, "silenced: a restore is running")
	})
	if hook.has("fired needle") != 0 {
		t.Error("told during the restore")
	}
	killed := time.Now()
	s.killWorker()
	restore.Wait()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("told: %v; alerts: %s", hook.all(), s.run("alerts").out)
		}
	})
	// That a restore is running is told too, as a warning, where the watch looks in time.
	const stopped = "fired restore critical"
	until(t, "it is told", func() bool { return hook.has("fired needle") > 0 && hook.has(stopped) > 0 })
	if all := hook.all(); all["fired needle"] != 1 || all[stopped] != 1 {
		t.Errorf("told more than once: %v", all)
	}
	if took := time.Since(killed); took > 4*time.Minute {
		t.Errorf("told %s after the worker was killed", took)
	}
	if out := s.run("alerts").out; strings.Contains(out, "silenced: a restore") {
		t.Errorf("a silence is left:\n%s", out)
	}
}
