package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/site/audits"
)

// TestOneAnswerOverADamagedArchive damages an archive of five files, of which the server has the
// last, in each way, and asks all that reads it. What is damaged never counts as good, what lies
// before it stays within reach, and the archive goes on.
func TestOneAnswerOverADamagedArchive(t *testing.T) {
	t.Parallel()
	s := testdb.Private(t, "mariadb")
	config, schema := binlogWorld(t, s)
	s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(400))",
		"INSERT INTO t VALUES (0, '')")
	asked(t, config, 0, "backup", "create")
	var middle testdb.LogPosition
	for i := 1; i <= 4; i++ {
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", fmt.Sprintf("INSERT INTO t VALUES (%d, REPEAT('x', 300))", i))
		if i == 2 {
			middle = s.LogPosition(t)
		}
		s.Exec(t, "", "FLUSH BINARY LOGS")
	}
	s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO t VALUES (5, '')")
	end := s.LogPosition(t)
	asked(t, config, 0, "backup", "binlog", "fetch")
	loseAllButOne(t, s)
	s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO t VALUES (6, '')")
	a := newDamaged(t, filepath.Join(strings.TrimSpace(dirOf(t, config)), "binlog"))

	// What each verb answers: its exit code and words of it. The moment is in the second file.
	type says struct {
		code  int
		words string
	}
	good := says{0, "5 files are good, and each continues"}
	reached := says{0, "2 transactions"}
	lost := says{1, ""}
	ok := says{}
	for _, c := range []struct {
		name                                          string
		do                                            func()
		verify, moment, whole, changes, fetch, follow says
	}{
		{"nothing", func() {}, good, reached, ok, ok, ok, good},
		{"the manifest is cut", func() { a.cut(t, "manifest.jsonl", 2) },
			good, reached, ok, ok, ok, says{0, "cannot be read; the indexes of the files replace them"}},
		{"the manifest is gone", func() { a.remove(t, "manifest.jsonl") }, good, reached, ok, ok, ok, good},
		{"the manifest's lines are in another order, and there twice", func() { a.shuffle(t, "manifest.jsonl") },
			good, reached, ok, ok, ok, good},
		{"the first file", func() { a.flip(t, a.zst[0]) },
			says{1, "BAD: "}, lost, lost, says{1, "t +1"}, ok, says{1, "1 of 5 files"}},
		{"a middle file", func() { a.flip(t, a.zst[2]) },
			says{1, "BAD: "}, says{0, "the log is damaged after it"}, lost, says{1, "t +1"}, ok, says{1, "1 of 5 files"}},
		{"the last file", func() { a.flip(t, a.part) },
			says{1, "BAD: "}, reached, ok, ok, ok, says{1, "1 of 5 files"}}, // the server has it
		{"a middle file is cut", func() { a.cut(t, a.zst[2], 2) },
			says{1, "its index says"}, says{0, "the log has a gap after"}, lost, ok, ok, says{1, "GAP: "}},
		{"a middle index is gone", func() { a.remove(t, a.zst[2]+".idx") },
			says{1, "it has no index"}, says{0, "the log has a gap after"}, lost, ok, ok, says{1, "GAP: "}},
		{"a middle file is gone", func() { a.remove(t, a.zst[2]) },
			says{1, "GAP: "}, says{0, "the log has a gap after"}, lost, ok, ok, says{1, "GAP: "}},
		{"the last file is gone", func() { a.remove(t, a.part) },
			says{0, "4 files are good"}, reached, ok, ok, says{0, "starts"}, good},
		{"the last index is gone", func() { a.remove(t, strings.Replace(a.part, ".part", ".idx", 1)) },
			says{1, "it has no index"}, reached, ok, ok, says{0, "starts"}, good},
		{"the last file is cut", func() { a.cut(t, a.part, 2) },
			says{1, "its index says"}, reached, ok, ok, says{0, "DAMAGED: "}, good},
		{"a stranger's file", func() { a.write(t, "notes.zst", []byte("?")) },
			says{1, "notes.zst: it has no index"}, reached, ok, ok, ok, says{1, "notes.zst"}},
		{"a file of another server", func() { a.copyOf(t, a.zst[1], "binlog.000099.zst", "id-7") },
			says{1, "another server, id-7"}, reached, ok, ok, ok, says{1, "another server, id-7"}},
		{"everything is gone", func() { a.empty(t) }, says{0, "the binlog archive is empty"}, lost, lost, ok,
			says{0, "starts"}, says{0, "1 file is good"}},
	} {
		a.restore(t)
		c.do()
		ask := func(want says, args ...string) {
			t.Helper()
			out, diag := asked(t, config, want.code, args...)
			if !strings.Contains(out+diag, want.words) {
				t.Errorf("%s: %q does not say %q:\n%s%s", c.name, args, want.words, out, diag)
			}
		}
		reach := func(want says, at testdb.LogPosition) {
			t.Helper()
			ask(want, "restore", "--plan", "--to", "elsewhere", "--until", fmt.Sprintf("%s:%d", at.File, at.Pos))
		}
		verify := []string{"backup", "binlog", "verify"}
		ask(c.verify, verify...)
		ask(ok, "backup", "binlog", "list")
		reach(c.moment, middle)
		reach(c.whole, end)
		ask(c.changes, "audit", "changes")
		ask(c.changes, "audit", "changes", "--largest")
		tabShows(t, config, c.name, c.changes.code != 0)
		ask(c.fetch, "backup", "binlog", "fetch")
		ask(c.follow, verify...)
		if t.Failed() {
			return
		}
	}
}

// tabShows reads the log as the Audit tab does: over damage it has the rest, and says so.
func tabShows(t *testing.T, config, name string, lacks bool) {
	t.Helper()
	a := newApp(stdio{nil, io.Discard, io.Discard}, func(string) string { return "" }, &globals{ConfigFile: config})
	s, err := a.chosen()
	if err != nil {
		t.Fatal(err)
	}
	log, err := audits.OpenLog(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, largest := range []bool{false, true} {
		n := 0
		err := log.List(t.Context(), binlog.Query{Limit: 100, Largest: largest}, func(*binlog.Transaction) error {
			n++
			return nil
		})
		note := log.Note()
		if err != nil || n == 0 || strings.Contains(note.String(), "some transactions are missing") != lacks {
			t.Errorf("%s: the tab has %d transactions and says %q; %v", name, n, note.String(), err)
		}
	}
}

// loseAllButOne lets the server purge all of its files but the current one, once no session reads
// the others any more.
func loseAllButOne(t *testing.T, s *testdb.Server) {
	t.Helper()
	addr := fmt.Sprintf("%s:%d", s.Host, s.Port)
	target := mysql.Target{Network: "tcp", Addr: addr, User: s.User, Password: s.Password}
	until(t, "a server that purged its log", func() bool {
		s.Exec(t, "", "PURGE BINARY LOGS TO '"+s.LogPosition(t).File+"'")
		server, err := reader.Ask(t.Context(), target)
		return err == nil && len(server.Logs) == 1
	})
}

// damaged is an archive of a server whose files are damaged and brought back.
type damaged struct {
	dir   string
	files map[string][]byte
	zst   []string // the complete ones
	part  string
}

func newDamaged(t *testing.T, archive string) *damaged {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(archive, "*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	a := &damaged{dir: filepath.Dir(found[0]), files: map[string][]byte{}}
	for _, path := range found {
		name := filepath.Base(path)
		if a.files[name], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(name) {
		case ".zst":
			a.zst = append(a.zst, name)
		case ".part":
			a.part = name
		}
	}
	return a
}

func (a *damaged) empty(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a.dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func (a *damaged) restore(t *testing.T) {
	t.Helper()
	a.empty(t)
	for name, text := range a.files {
		a.write(t, name, text)
	}
}

func (a *damaged) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *damaged) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(a.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func (a *damaged) cut(t *testing.T, name string, parts int) {
	t.Helper()
	a.write(t, name, a.files[name][:len(a.files[name])/parts])
}

// shuffle adds a file's lines once more, the last one first.
func (a *damaged) shuffle(t *testing.T, name string) {
	t.Helper()
	lines := strings.SplitAfter(string(a.files[name]), "\n")
	slices.Reverse(lines)
	a.write(t, name, append(append([]byte{}, a.files[name]...), strings.Join(lines, "")...))
}

func (a *damaged) flip(t *testing.T, name string) {
	t.Helper()
	text := append([]byte{}, a.files[name]...)
	text[len(text)/2] ^= 0x55
	a.write(t, name, text)
}

func (a *damaged) copyOf(t *testing.T, name, as, server string) {
	t.Helper()
	own := fmt.Sprintf(`"server":"%s"`, filepath.Base(a.dir))
	index := strings.Replace(string(a.files[name+".idx"]), own, fmt.Sprintf(`"server":"%s"`, server), 1)
	a.write(t, as, a.files[name])
	a.write(t, as+".idx", []byte(index))
}
