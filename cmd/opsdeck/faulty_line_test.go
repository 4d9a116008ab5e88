package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
)

// lineVerbs are those that work with the database. A restore itself tries again for a
// minute and a half, and has tests of its own.
var lineVerbs = [][]string{
	{"backup", "create"},
	{"backup", "create", "--engine", "mysqldump"},
	{"backup", "verify", "--all", "--deep"},
	{"backup", "drill"},
	{"audit", "list", "--limit", "2000"},
	{"audit", "trace", "ORDER", "1"},
	{"audit", "export", "--format", "csv", "-o", "-"},
	{"audit", "archive", "--year", "2020"},
	{"restore", "--plan"},
	{"restore", "lost", "--from", "NEWEST"},
	{"restore", "rescue", "--table", "audit_logs"},
	{"status", "--only", "mysql"},
	{"doctor"},
}

// TestEveryVerbEndsOnAFaultyLine: the connections to the database stall, pass garbage
// or half end in the middle of the work. Each verb ends by itself, says why, and holds
// nothing afterwards; a backup that was being loaded is not called bad.
func TestEveryVerbEndsOnAFaultyLine(t *testing.T) {
	for _, c := range []struct {
		flavour, what string
		fault         testdb.Fault
		verbs         [][]string
	}{
		{"mariadb", "stall", testdb.Stall, lineVerbs},
		{"mariadb", "garbage", testdb.Garbage, lineVerbs[1:4]},
		{"mysql", "half end", testdb.HalfEnd, lineVerbs[:4]},
	} {
		t.Run(c.flavour+"/"+c.what, func(t *testing.T) {
			t.Parallel()
			db := testdb.MariaDB(t)
			if c.flavour == "mysql" {
				db = testdb.MySQL(t)
			}
			s, line := lineSite(t, db)
			for _, verb := range c.verbs {
				s.endsOn(line, c.fault, verb)
			}
			s.must("backup", "create")
			if o := s.must("backup", "list", "--json"); strings.Contains(o.out, `"bad"`) {
				t.Errorf("a backup is called bad:\n%s", o.out)
			}
		})
	}
}

// TestAStalledLineIsWaitedForOnce: in the middle of the work nothing passes any more, also
// over new connections. The other connections, the clean-up and the look whether the
// server ended do not wait as long again.
func TestAStalledLineIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	s, line := lineSite(t, testdb.MariaDB(t))
	for _, verb := range [][]string{{"backup", "create"}, {"restore", "rescue", "--table", "audit_logs"}} {
		line.StallIn(1_000_000) // while rows are read: a lock of the server that is held would hold up others
		began := time.Now()
		o, ended := s.within(3*time.Minute, verb...)
		if took := time.Since(began); !ended || took > time.Minute {
			t.Errorf("%s takes %v", verb, took)
		}
		if !line.Hit() || o.code != 75 || !strings.Contains(o.err, "for 500ms, and it ") {
			t.Errorf("%s: hit %v, exit %d\n%s", verb, line.Hit(), o.code, o.err)
		}
	}
	for _, verb := range [][]string{{"restore", "--plan"}, {"restore", "lost", "--from", s.newest()}} {
		for _, bytes := range []int64{2500, 6000} { // in the middle of the first looks at the server
			line.StallIn(bytes)
			o, ended := s.within(3*time.Minute, verb...)
			said := strings.Contains(o.err, "for 500ms, and it ") && strings.Contains(o.err, "→")
			if !ended || o.code != 75 || !said {
				t.Errorf("%s after %d bytes: ended %v, exit %d\n%s", verb, bytes, ended, o.code, o.err)
			}
		}
	}
	line.Set(testdb.Pass, false, 0)
	s.must("backup", "create")
}

// lineSite is a site whose way to the database can be made faulty.
func lineSite(t *testing.T, db *testdb.Server) (*realSite, *testdb.Line) {
	t.Helper()
	s := newSite(t, db)
	pad := strings.Repeat("x", 2000)
	var rows strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&rows, ",('u','UPDATE','ORDER','1','%s','2020-03-01 00:00:%02d')", pad, i%60)
	}
	db.Exec(t, s.live, "CREATE TABLE audit_logs (id BIGINT PRIMARY KEY AUTO_INCREMENT, user_name VARCHAR(20), action VARCHAR(20), "+
		"resource_type VARCHAR(20), resource_id VARCHAR(20), new_value TEXT, created_at DATETIME, KEY (resource_type, resource_id), "+
		"KEY (created_at))",
		"INSERT INTO audit_logs (user_name, action, resource_type, resource_id, new_value, created_at) VALUES "+
			rows.String()[1:])
	s.must("backup", "create")
	line := db.Line(t)
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("config.yaml", strings.Replace(string(text), fmt.Sprintf("port: %d}", db.Port),
		fmt.Sprintf("port: %d, stall_after: 500ms}", line.Port), 1))
	return s, line
}

// told names the server, or what a tool of its own says of the connection.
var told = regexp.MustCompile(`127\.0\.0\.1|-?dump: Error 20\d\d`)

var bareError = regexp.MustCompile(`(?i)panic|goroutine \d+|%!`)

// endsOn runs a verb on a line with a fault.
func (s *realSite) endsOn(line *testdb.Line, fault testdb.Fault, verb []string) {
	s.t.Helper()
	args := make([]string, len(verb))
	for i, a := range verb {
		args[i] = strings.NewReplacer("LIVE", s.live, "NEWEST", s.newest()).Replace(a)
	}
	line.Set(fault, false, 20_000)
	began := time.Now()
	o, ended := s.within(time.Minute, args...)
	took := time.Since(began).Round(100 * time.Millisecond)
	hit := line.Hit()
	line.Set(testdb.Pass, false, 0)
	what := strings.Join(verb, " ")
	s.t.Logf("%s: hit %v, exit %d after %s: %.400s", what, hit, o.code, took, strings.TrimSpace(o.err))
	switch {
	case !ended:
		s.t.Errorf("%s does not end\n%s", what, o.err)
	case hit && o.code == 0 && verb[0] != "status" && !strings.Contains(o.out, "could not be compared"):
		s.t.Errorf("%s ends well on a faulty line:\n%s\n%s", what, o.out, o.err)
	case hit && o.code != 0 && !told.MatchString(o.err+o.out), bareError.MatchString(o.err):
		s.t.Errorf("%s does not say what it waited for: exit %d\n%s\n%s", what, o.code, o.out, o.err)
	}
	locks, _ := filepath.Glob(filepath.Join(s.dir, "state", "locks", "*.lock"))
	for _, path := range locks {
		if who, held, err := lock.Look(path); held || err != nil {
			s.t.Errorf("%s: %s is held: %+v, %v", what, path, who, err)
		}
	}
}

// newest is the newest backup that was made here.
func (s *realSite) newest() (name string) {
	all, _ := filepath.Glob(filepath.Join(s.dir, "backups", s.live+"_*.sql.gz"))
	if len(all) > 0 {
		name = filepath.Base(all[len(all)-1])
	}
	return name
}

// within runs a command that is killed when it takes too long.
func (s *realSite) within(limit time.Duration, args ...string) (o outcome, ended bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	plain := s.command(args...)
	cmd := exec.CommandContext(ctx, plain.Path, plain.Args[1:]...)
	cmd.Env = plain.Env
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	cmd.Run()
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}, ctx.Err() == nil
}
