package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// supervised starts a server again whenever it ends, as systemd and Docker do, and
// counts how often.
func supervised(t *testing.T, db *testdb.Server) *atomic.Int64 {
	t.Helper()
	var starts atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if !db.Running() {
				starts.Add(1)
				db.Start(t)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return &starts
}

// TestAStatusDoesNotEndTheServerAgainAndAgain looks at a table whose first page ends
// the server: after the second time it is not read, also by no backup.
func TestAStatusDoesNotEndTheServerAgainAndAgain(t *testing.T) {
	t.Parallel()
	db := testdb.Private(t, "mysql")
	s := newSite(t, db)
	s.db.Exec(t, s.live, "CREATE TABLE bad (id INT PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO bad VALUES (1), (2)")
	s.must("backup", "create")
	db.Stop(t)
	spoil(t, filepath.Join(db.DataDir(), s.live, "bad.ibd"))
	db.Start(t)
	starts := supervised(t, db)
	for range 5 {
		s.run("status", "--only", "mysql,schema")
		until(t, "the server's return", db.Running)
	}
	t.Logf("%d deaths", starts.Load())
	if n := starts.Load(); n > 2 {
		t.Errorf("the server ended %d times", n)
	}
	if starts.Load() == 2 { // a server that ends answers for a moment more
		until(t, "a status that names the table", func() bool {
			o := s.run("status", "--only", "schema", "--json")
			return strings.Contains(o.out, "the server crashed while bad was read")
		})
		until(t, "a backup that names the table", func() bool {
			o := s.run("backup", "create")
			return o.code == 1 && strings.Contains(o.err, "the server crashed while bad was read")
		})
	}
	before := starts.Load()
	for range 2 {
		s.run("backup", "create")
		until(t, "the server's return", db.Running)
	}
	if before == 2 && starts.Load() != before {
		t.Errorf("a backup ended the server, which was known")
	}
}

// A server that does not survive reading a table ends once: the table is remembered,
// and everything else goes on without it.
func TestATableThatEndsTheServerIsReadOnce(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			db := testdb.Private(t, flavour)
			s := newSite(t, db)
			s.db.Exec(
				t,
				s.live,
				"CREATE TABLE bad (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(255)) ENGINE=InnoDB",
				"INSERT INTO bad (v) VALUES (REPEAT('x', 255))",
			)
			for range 11 {
				s.db.Exec(t, s.live, "INSERT INTO bad (v) SELECT v FROM bad")
			}
			good := s.dump()
			s.must("backup", "create")
			db.Stop(t)
			spoil(t, filepath.Join(db.DataDir(), s.live, "bad.ibd"))
			db.Start(t)
			starts := supervised(t, db)

			plan := s.must("restore", "--plan")
			once := starts.Load()
			t.Logf("%s: %d deaths", flavour, once)
			if text := plan.out + plan.err; !strings.Contains(text, "bad") {
				t.Errorf("the plan says nothing of the table:\n%s", text)
			} else if once > 0 && (!strings.Contains(text, "the server crashed while bad was read") ||
				!strings.Contains(text, "innodb_force_recovery")) {
				t.Errorf("the plan does not say that the server ended:\n%s", text)
			}
			if once > 1 {
				t.Errorf("the server ended %d times", once)
			}
			for _, args := range [][]string{{"restore", "--plan"}, {"status"}} {
				s.run(args...)
			}
			if o := s.run("restore", "lost"); strings.Contains(o.out, "nothing will be lost") {
				t.Errorf("a table that was not read is called unchanged:\n%s", o.out)
			}
			s.must("restore", "--confirm", s.live, "--skip-unreadable")
			if n := starts.Load(); n != once {
				log, _ := os.ReadFile(filepath.Join(filepath.Dir(db.DataDir()), "log"))
				t.Errorf(
					"the server ended %d times more, under %s",
					n-once,
					regexp.MustCompile(`(?m)^Query \(.*$`).FindAll(log, -1),
				)
			}
			sameDump(t, good, s.dump())
		})
	}
}

// spoil overwrites pages of a table's file behind its first ones.
func spoil(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	junk := make([]byte, 10*16<<10)
	rand.Read(junk)
	if _, err := f.WriteAt(bytes.Clone(junk), 4*16<<10); err != nil {
		t.Fatal(err)
	}
}
