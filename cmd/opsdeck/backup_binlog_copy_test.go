package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/site/backups"
)

// loseLog lets the server forget all of its log. MariaDB keeps a file until it has noted
// in a later one that it needs it no more.
func loseLog(t *testing.T, s *testdb.Server) {
	t.Helper()
	db := s.Open(t, "")
	for until := time.Now().Add(4 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		beginLog(t, s)
		rows, err := db.Query("SHOW BINARY LOGS")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		rows.Close()
		if n == 1 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the server keeps %d files", n)
		}
	}
}

// The machine is lost with its backups and its archive, and the server has purged its
// log: a restore to a moment after the last backup works from the copy.
func TestRestoreToAMomentFromTheLogAtACopy(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		beginLog(t, db) // else the log of all tests before is archived, and copied
		s := newSite(t, db)
		if db.Flavour == "mysql" {
			s.copyOverSSH()
		} else {
			s.copyInS3()
		}
		s.must("backup", "create")
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('after the backup')")...)
		s.must("backup", "binlog", "fetch")
		if o := s.must("backup", "sync", "--dry-run"); !strings.Contains(o.out, "of the binlog") {
			t.Fatalf("no word of the binlog: %s", o.out)
		}
		s.must("backup", "sync")
		db.Exec(t, s.live, inRows("UPDATE customers SET name = 'newer' WHERE name = 'after the backup'")...)
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		s.must("backup", "binlog", "fetch", "--flush")
		if o := s.must("backup", "sync", "--json"); !strings.Contains(o.out, `"to_time": "`) {
			t.Fatalf("how far the copy reaches is not told: %s", o.out)
		}
		if o := s.must("backup", "binlog", "list"); !strings.Contains(o.out, "copy far: reaches") {
			t.Fatalf("the list does not tell of the copy: %s", o.out)
		}
		s.must("backup", "binlog", "verify", "--copy", "far")
		s.loseBackups()
		for _, verb := range []string{"list", "verify"} {
			if o := s.must("backup", "binlog", verb); !strings.Contains(o.out+o.err, "backup binlog fetch --copy far") {
				t.Fatalf("%s does not name the copy: %s%s", verb, o.out, o.err)
			}
		}
		loseLog(t, db)
		o := s.run("restore", "--before", id, "--plan")
		if o.code == 0 || !strings.Contains(o.err, s.opsdeck("restore --from far: --before "+id)) {
			t.Fatalf("exit %d, the moment is lost: %s%s", o.code, o.out, o.err)
		}
		o = s.run("restore", "--from", "far:", "--before", id, "--plan")
		if o.code == 0 || !strings.Contains(o.err, "backup binlog fetch --copy far") {
			t.Fatalf("exit %d: %s%s", o.code, o.out, o.err)
		}
		o = s.must("restore", "--from", "far:", "--plan")
		tells(t, o.out+o.err, "the copy far has the binlog up to ")
		s.newMachine(t)
		s.must("backup", "binlog", "fetch", "--copy", "far")
		s.must("backup", "binlog", "verify")
		o = s.must("restore", "--from", "far:", "--before", id, "--json", "--confirm", s.live)
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
	})
}

// A follower brings the copy what is new, with no backup sync.
func TestAFollowerCopiesWhatItArchives(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.copyInS3()
	config := filepath.Join(s.dir, "config.yaml")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--config", config, "backup", "binlog", "follow", "--copy-every", "20ms"},
			stdio{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	}()
	s.db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('copied')")...)
	id := s.newestID("customers")
	copied := func() bool {
		var doc binlogListJSON
		o := s.must("backup", "binlog", "list", "--json")
		if err := json.Unmarshal([]byte(o.out), &doc); err != nil || len(doc.Copies) != 1 {
			t.Fatal(err, o.out)
		}
		c := doc.Copies[0]
		return len(c.Spans) == 1 && c.ToPos > 4 && len(doc.Spans) > 0 && c.ToPos == doc.Spans[len(doc.Spans)-1].ToPos
	}
	for until := time.Now().Add(time.Minute); !copied(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the follower does not copy the log")
		}
	}
	stop()
	if code := <-ended; code != 0 {
		t.Fatalf("follow ended with %d", code)
	}
	s.loseBackups()
	s.must("backup", "binlog", "fetch", "--copy", "far")
	if found := s.must("audit", "changes", "--json", "--table", "customers"); !strings.Contains(found.out, id) {
		t.Fatalf("%s is not in what came back: %s", id, found.out)
	}
}

// TestADamagedPieceAtACopyIsToldHealedAndPassedOver: three log files at a copy, of which the second
// is damaged there. Status says so until it is sent again; a machine that has lost everything gets
// the two others.
func TestADamagedPieceAtACopyIsToldHealedAndPassedOver(t *testing.T) {
	db := testdb.MySQL(t)
	beginLog(t, db)
	s := newSite(t, db)
	far := s.copyOverSSH()
	s.must("backup", "create")
	var ids [3]string
	file := ""
	for i := range ids {
		db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('new')")...)
		ids[i] = s.newestID("customers")
		if i == 1 {
			file = db.LogPosition(t).File
		}
		s.must("backup", "binlog", "fetch", "--flush")
		s.must("backup", "sync")
	}
	state := func() string {
		o := s.run("status", "--only", "copy:far")
		return o.out + o.err
	}
	silent(t, state(), "the binlog at the copy")

	damage := func() {
		t.Helper()
		pieces, err := filepath.Glob(filepath.Join(far, "binlog", "*_"+file+"_*.zst"))
		if err != nil || len(pieces) == 0 {
			t.Fatalf("%s: %q, %v", file, pieces, err)
		}
		for _, path := range pieces {
			rot(t, path)
		}
	}
	damage()
	if o := s.run("backup", "binlog", "verify", "--copy", "far"); o.code != 1 {
		t.Fatalf("exit %d: %s%s", o.code, o.out, o.err)
	}
	tells(t, state(), "the binlog at the copy far is damaged", "backup sync --copy far")
	s.must("backup", "sync", "--copy", "far")
	s.must("backup", "binlog", "verify", "--copy", "far")
	silent(t, state(), "the binlog at the copy")

	damage()
	s.loseBackups()
	s.newMachine(t)
	o := s.run("backup", "binlog", "fetch", "--copy", "far", "--json")
	var doc struct {
		Files int
		Bad   []string
	}
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil || o.code != 1 || len(doc.Bad) == 0 || doc.Files < 2 {
		t.Fatalf("exit %d, %v: %s%s", o.code, err, o.out, o.err)
	}
	tells(t, o.err, "damaged, the first in", "what they hold was not fetched", "backup binlog list")
	found := s.must("audit", "changes", "--json", "--table", "customers").out
	for i, want := range []bool{true, false, true} {
		if got := strings.Contains(found, ids[i]); got != want {
			t.Errorf("transaction %d fetched: %v\n%s", i, got, found)
		}
	}
	tells(t, state(), "the binlog at the copy far is damaged")
}

// rot changes a byte in the middle of a file.
func rot(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2]++
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAGapAtACopyIsJudgedByItsOwnBackups: a backup that is only here does not heal a gap
// there, for whoever has the copy alone has no backup after it.
func TestAGapAtACopyIsJudgedByItsOwnBackups(t *testing.T) {
	s := newSite(t, testdb.Private(t, "mariadb"))
	s.copyInS3()
	s.must("backup", "create")
	s.must("backup", "binlog", "fetch")
	s.must("backup", "sync")
	s.must("backup", "binlog", "verify", "--copy", "far")
	s.db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('lost')")...)
	loseLog(t, s.db)
	if o := s.run("backup", "binlog", "fetch"); o.code != 1 {
		t.Fatalf("a gap ends with %d: %s%s", o.code, o.out, o.err)
	}
	s.must("backup", "sync")
	judged := func(code int, next string) (gaps []backups.Gap) {
		t.Helper()
		o := s.run("backup", "binlog", "verify", "--copy", "far", "--json")
		var doc binlogVerifyCopyJSON
		if err := json.Unmarshal([]byte(o.out), &doc); err != nil || len(doc.Gaps) != 1 {
			t.Fatalf("%v: %s%s", err, o.out, o.err)
		}
		if o.code != code || doc.Gaps[0].Healed != (code == 0) || !strings.Contains(o.err, next) {
			t.Fatalf("exit %d, want %d and %q: %s%s", o.code, code, next, o.out, o.err)
		}
		return doc.Gaps
	}
	gap := judged(1, s.opsdeck("backup create")+", then "+s.opsdeck("backup sync"))[0]
	time.Sleep(time.Until(gap.ToTime.Add(time.Second))) // the log's times are whole seconds
	s.must("backup", "create")
	s.must("backup", "binlog", "verify") // here it is healed
	judged(1, "send the backup that heals it: "+s.opsdeck("backup sync"))
	s.must("backup", "sync")
	judged(0, "")
}

// newMachine forgets what this machine knows of the copy: nobody says that it holds nothing, and
// the advice is what it holds, and the restore from there.
func (s *realSite) newMachine(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "state", "copies")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := s.run("status", "--only", "backup,copy:far")
	for _, want := range []string{"unknown what the copy far holds", s.opsdeck("backup list --copy far"),
		s.opsdeck("restore --from far: --plan")} {
		tells(t, o.out+o.err, want)
	}
	o = s.must("backup", "binlog", "list")
	tells(t, o.out+o.err, "copy far: not checked from this machine yet")
}
