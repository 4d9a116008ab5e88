package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

func TestWatchArchivesTheBinaryLogAndASecondFollowerSaysWhoDoes(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("backup: {dir:"),
			[]byte("backup: {binlog: follow, daily: never, verify: never, "+
				"drill: never, dir:"), 1)
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := asked(t, config, 0, "watch", "--dry-run")
		if !strings.Contains(out, "the binlog of q would be archived continuously") {
			t.Fatal(out)
		}
		out, _ = asked(t, config, 0, "backup", "schedule", "install", "--with", "systemd", "--dry-run")
		if !strings.Contains(out, "opsdeck-q-binlog.service") || !strings.Contains(out, "backup binlog follow\n") {
			t.Fatal(out)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"--config", config, "--lang", "en", "watch"},
				stdio{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
		}()
		s.Exec(t, schema, "CREATE TABLE seen (id INT PRIMARY KEY)", "INSERT INTO seen VALUES (1)")
		kept := func() bool {
			var doc binlogListJSON
			out, _ := asked(t, config, 0, "backup", "binlog", "list", "--json")
			if err := json.Unmarshal([]byte(out), &doc); err != nil {
				t.Fatal(err)
			}
			return doc.Following && doc.LagMS != nil && *doc.LagMS == 0 && len(doc.Spans) == 1
		}
		until(t, "the watch's archive of the log", kept)
		_, errs := asked(t, config, 75, "backup", "binlog", "follow")
		if !strings.Contains(errs, "watch") {
			t.Fatalf("who holds the lock is not said: %s", errs)
		}
		cancel()
		if code := <-ended; code != 130 && code != 0 {
			t.Fatalf("watch ended with %d", code)
		}
		asked(t, config, 0, "backup", "binlog", "verify")
	})
}
