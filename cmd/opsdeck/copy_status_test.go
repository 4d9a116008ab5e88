package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// copyCheck is what Status or doctor says of the copy "off".
func (s nightly) copyCheck(verb string) (state, detail string) {
	s.t.Helper()
	type point struct {
		Name, State, Detail string
		Findings            []struct{ What string }
	}
	var doc struct{ Checks, Points []point }
	text := s.whatever(verb, "--json")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
	for _, c := range append(doc.Checks, doc.Points...) {
		if c.Name == "copy:off" {
			return c.State, fmt.Sprint(c.Detail, c.Findings)
		}
	}
	return "", text
}

// whatever runs a command, however it ends.
func (s nightly) whatever(args ...string) string {
	var out bytes.Buffer
	run(context.Background(), append([]string{"--config", s.config, "--lang", "en"}, args...),
		stdio{in: strings.NewReader(""), out: &out, err: io.Discard})
	return out.String()
}

// TestStatusTellsOfEachCopy: one that never received anything, one that cannot be reached,
// one that has everything, one that is old, and one that is configured wrongly.
func TestStatusTellsOfEachCopy(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "CREATE TABLE orders (id INT PRIMARY KEY)")
	_, good := bucket(t, "told")
	good = strings.Replace(good, "name: cloud", "name: off", 1)
	sh := newNightly(t, s, db, good)
	sh.run(0, nil, "backup", "create")
	says := func(world, want, word string) {
		t.Helper()
		if state, detail := sh.copyCheck("status"); state != want || !strings.Contains(detail, word) {
			t.Errorf("%s: %q, %s", world, state, detail)
		}
	}
	says("no sync yet", "warning", "unknown what the copy off holds")
	if state, detail := sh.copyCheck("doctor"); state != "ok" || !strings.Contains(detail, "0 files") {
		t.Errorf("doctor of a copy that answers: %s %s", state, detail)
	}
	sh.run(0, nil, "backup", "sync")
	says("all is there", "ok", "1 of 1 good backup is there, as of 20")
	sh.edit("    backup:\n", "    backup:\n      late: 1ms\n")
	says("too old", "critical", "the newest good backup at the copy off is ")
	sh.edit("      late: 1ms\n", "")

	before, _ := os.ReadFile(sh.config)
	gone := "      copies: [{name: off, kind: rsync, target: \"nobody@127.0.0.1:/srv/x\", port: 9}]"
	sh.edit(good, gone)
	says("another place", "warning", "unknown what the copy off holds")
	sh.whatever("backup", "sync")
	says("not reached", "critical", "the last sync of the copy off failed")
	if state, detail := sh.copyCheck("doctor"); state != "warning" || !strings.Contains(detail, "the copy off") {
		t.Errorf("doctor of a copy that does not answer: %s %s", state, detail)
	}
	sh.edit("nobody@127.0.0.1:/srv/x", "/some/folder")
	says("no target", "unknown", "must be user@host:/folder")
	if state, _ := sh.copyCheck("doctor"); state != "critical" {
		t.Errorf("doctor of a copy that cannot be used: %s", state)
	}
	if err := os.WriteFile(sh.config, before, 0o600); err != nil {
		t.Fatal(err)
	}
	says("all is there still", "ok", "1 of 1 good backup is there")
	for _, name := range []string{"sync", "json"} {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(sh.config), "state", "copies", "*."+name))
		if len(found) == 0 {
			t.Errorf("no %s is remembered", name)
		}
	}
}
