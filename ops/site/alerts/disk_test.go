package alerts

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
)

// TestADiskThatFillsFiresBeforeItIsFull: a real watcher looks at a real small disk that is
// written to for a day and a half, by a clock that the test moves: pending, firing with the
// time that is left, and resolved once somebody made room.
func TestADiskThatFillsFiresBeforeItIsFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=60m,mode=0755"); err != nil {
		t.Skipf("no disk of its own: %v", err) // only root may mount
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	now := clocktest.New(time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC))
	s := config.DefaultService()
	s.Name = "q"
	s.Health.URL = ""
	s.Health.Interval = 4 * time.Millisecond
	s.Logs = config.LogSources{{Path: filepath.Join(dir, "app.log")}}
	state := t.TempDir()
	source := checks.Source{Service: s, Now: now.Now}
	source.Site = func() (*site.Site, error) { return &site.Site{Service: &s, StateDir: state}, nil }
	all := slices.DeleteFunc(checks.Of(source), func(c health.Check) bool { return c.Name != "disk-log" })
	if len(all) != 1 {
		t.Fatalf("%d checks of the disk", len(all))
	}
	var looks atomic.Int64
	look := all[0].Probe
	all[0].Probe = func(ctx context.Context) health.Result {
		defer looks.Add(1)
		return look(ctx)
	}
	s.Logs = nil
	s.Alerts.Rules = []config.AlertRule{{Name: "disk-log", For: 3 * time.Second}}
	w := &Watcher{
		Services: []Service{{Config: s, Checks: all}}, StateDir: state, Clock: now,
		Lang: lang.For("en"), Say: func(m lang.Msg) { t.Log(m.String()) },
	}
	if err := w.Prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	until := func(what string, ok func() bool) {
		t.Helper()
		for late := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	is := func(want alert.State) func() bool {
		return func() bool {
			book, err := alert.Read(state)
			if err != nil {
				t.Fatal(err)
			}
			shown := book.Shown(now.Now().Add(-time.Hour))
			return slices.ContainsFunc(shown, func(a alert.Alert) bool {
				return a.Rule == "disk-log" && a.State == want && strings.Contains(a.Evidence.EN, "is full in 3 d")
			})
		}
	}
	seen := func() {
		from := looks.Load()
		until("a look", func() bool { return looks.Load() >= from+2 })
	}
	pended := false
	for i := range 60 { // 256 KiB each half hour: 45 MiB are left, for 90 hours
		path := filepath.Join(dir, "log."+string(rune('A'+i)))
		if err := os.WriteFile(path, make([]byte, 256<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		now.Advance(30 * time.Minute)
		seen()
		pended = pended || is(alert.Pending)()
	}
	if !pended {
		book, _ := alert.Read(state)
		t.Errorf("it was never pending: %+v; %+v", book.Alerts, look(t.Context()))
	}
	until("firing", is(alert.Firing))
	for i := range 60 {
		os.Remove(filepath.Join(dir, "log."+string(rune('A'+i))))
	}
	now.Advance(30 * time.Minute)
	until("resolved", is(alert.Resolved))
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
