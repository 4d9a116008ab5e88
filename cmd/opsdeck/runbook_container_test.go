package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// hostTools are the programs of a host without any of MySQL's.
var hostTools = []string{
	"bash", "cat", "comm", "curl", "date", "grep", "gzip", "ls", "mv", "printf", "rm", "sed", "seq", "sh", "sha256sum",
	"sleep", "sort", "stat", "sync", "tail", "tr",
}

// TestTheRestoreWithoutOpsdeckInAContainer runs the script on a host that has docker and no
// client of MySQL's. The tests have no Docker: a program of that name takes the words of
// `docker exec` and runs them with the server's real clients, the server being at the usual
// socket and not where the host sees it, as in a container.
func TestTheRestoreWithoutOpsdeckInAContainer(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newPlainShop(t, db, "")
		s.intoContainer()
		yes := []string{"CONFIRM=" + s.schema}
		before := s.all()
		s.db.Exec(t, s.schema, "DELETE FROM customers", "DROP VIEW names")
		out := s.run(0, yes)
		if s.all() != before || s.did() != "stop start " || len(s.saved()) != 1 {
			t.Fatalf("%s, was\n%s\n%s", s.all(), before, out)
		}
		dump, err := exec.Command("gzip", "-dc", s.saved()[0]).Output()
		if err != nil || !strings.Contains(string(dump), "CREATE TABLE `orders`") {
			t.Errorf("the state of before: %v\n%s", err, dump)
		}
		words, err := os.ReadFile(filepath.Join(s.dir, "words"))
		if err != nil || !strings.Contains(string(words), "mysqldump") || strings.Contains(string(words), "password") {
			t.Errorf("docker's words, with the password or without the dump: %v\n%s", err, words)
		}

		// The container is not there: nothing is said to be restored, and nothing is stopped.
		s.db.Exec(t, s.schema, "DELETE FROM customers")
		s.program("docker", "echo 'Error: No such container: box' >&2; exit 1")
		out = s.run(1, yes)
		if s.rows("customers") != "0" || s.did() != "" || !strings.Contains(out, "No such container") ||
			strings.Contains(out, "Done.") {
			t.Errorf("without the container:\n%s", out)
		}
	})
}

// intoContainer moves the clients of the server into a container named box. The options
// file holds what is true on the host alone: a published port.
func (s *plainShop) intoContainer() {
	t := s.t
	t.Helper()
	inside := filepath.Join(s.dir, "inside")
	if err := os.Rename(s.bin, inside); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(inside, "opsdeck")); err != nil {
		t.Fatal(err)
	}
	s.program("docker", fmt.Sprintf(`printf '%%s\n' "$*" >> %[1]s/words
[ "$1 $2 $3" = "exec -i box" ] || { echo "Error: No such container: $3" >&2; exit 1; }
shift 3
PATH=%[2]s:/usr/bin:/bin MYSQL_UNIX_PORT=%[3]s exec "$@"`, s.dir, inside, s.db.Socket))
	for _, tool := range hostTools {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(s.bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	s.path = s.bin
	text, err := os.ReadFile(s.script)
	if err != nil {
		t.Fatal(err)
	}
	options := filepath.Join(s.dir, "host.cnf")
	published := fmt.Sprintf("[client]\nuser=%s\npassword=%s\nhost=192.0.2.1\n port = 1\nprotocol=tcp", s.db.User,
		s.db.Password)
	if err := os.WriteFile(options, []byte(published), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		switch {
		case l == "container=''":
			lines[i] = "container='box'"
		case strings.HasPrefix(l, "options_file="):
			lines[i] = "options_file='" + options + "'"
		}
	}
	if err := os.WriteFile(s.script, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}
