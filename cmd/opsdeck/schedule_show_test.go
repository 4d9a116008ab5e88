package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/watch"
)

// TestScheduleShowSeesTheWatch: a running watch is what runs the jobs, and only while it
// runs; an error of two steps is one line.
func TestScheduleShowSeesTheWatch(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	sh := newNightly(t, s, s.Schema(t), "")
	state := filepath.Join(filepath.Dir(sh.config), "state")
	once := errors.New("the copy rs cannot be reached")
	failed := watch.Run{Job: "shop/verify", Due: time.Now(), Started: time.Now(), Ended: time.Now(),
		Result: watch.Failed, Error: errors.Join(once, once).Error()}
	if err := (watch.Record{Dir: state}).Append(failed); err != nil {
		t.Fatal(err)
	}
	none := "no schedule is installed"
	says := func(world string, with, without string) {
		t.Helper()
		text := sh.run(0, nil, "backup", "schedule", "show")
		if !strings.Contains(text, with) || strings.Contains(text, without) {
			t.Errorf("%s:\n%s", world, text)
		}
		if strings.Contains(text, "^J") || strings.Count(text, once.Error()) != 1 {
			t.Errorf("%s, the error:\n%s", world, text)
		}
	}
	says("nothing runs", none, "watch runs these jobs")
	end := sh.watching("watch")
	says("watch runs", "watch runs these jobs: pid ", none)
	var doc scheduleJSON
	if sh.run(0, &doc, "backup", "schedule", "show", "--json"); doc.Watch == nil || doc.Watch.PID != os.Getpid() {
		t.Errorf("%+v", doc.Watch)
	}
	end()
	says("it has ended", none, "watch runs these jobs")
	end = sh.watching("watch", "--alerts-only")
	says("it only sends alerts", none, "watch runs these jobs")
	end()
}

// watching runs watch until end is called.
func (s nightly) watching(args ...string) (end func()) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	var text bytes.Buffer
	go func() {
		defer close(done)
		run(ctx, append([]string{"--config", s.config, "--lang", "en"}, args...),
			stdio{in: strings.NewReader(""), out: &text, err: &text})
	}()
	state := filepath.Join(filepath.Dir(s.config), "state")
	for {
		if who, err := watch.Running(state); err == nil && who != nil && who.PID != 0 {
			break
		}
		select {
		case <-done:
			stop()
			s.t.Fatalf("watch ended:\n%s", text.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return func() {
		stop()
		<-done
	}
}
