package binlog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// withoutRight is a user who may ask where the log ends and not receive it.
func withoutRight(t *testing.T, s *testdb.Server, monitor string) mysql.Target {
	t.Helper()
	s.Exec(t, "", "CREATE USER IF NOT EXISTS noreplica@'%' IDENTIFIED BY 'secret'",
		"GRANT "+monitor+" ON *.* TO noreplica@'%'")
	t.Cleanup(func() { s.Exec(t, "", "DROP USER noreplica@'%'") })
	return mysql.Target{Network: "tcp", Addr: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), User: "noreplica",
		Password: "secret"}
}

// streamed are the events of a stream up to a place, without those that a server makes up.
func streamed(t *testing.T, s *Stream, until Log) (all [][]byte) {
	t.Helper()
	file := ""
	for {
		raw, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseEvent(bytes.Clone(raw), &Format{Checksum: !bytes.Equal(raw[13:17], []byte{0, 0, 0, 0})})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Type == TypeRotate && e.Artificial():
			r, err := ParseRotate(e)
			if err != nil {
				t.Fatal(err)
			}
			file = strings.TrimRight(r.File, "\x00")
			continue
		case e.Type == TypeFormat || e.Type == TypeHeartbeat || e.Type == TypeHeartbeatV2:
			continue
		}
		all = append(all, bytes.Clone(raw))
		if file >= until.File && uint64(e.LogPos) >= until.Pos {
			return all
		}
	}
}

// A user who lacks the right to receive the log gets it from the server's files: the same
// events, over the end of a file, and as they are written.
func TestWithoutTheRightTheLogIsReadFromTheServersFiles(t *testing.T) {
	for flavour, monitor := range map[string]string{"mysql": "REPLICATION CLIENT", "mariadb": "BINLOG MONITOR"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour)
			to := withoutRight(t, s, monitor)
			root := to
			root.User, root.Password = s.User, s.Password
			db := s.Schema(t)
			s.Exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)", "INSERT INTO t VALUES (1, REPEAT('x', 700000))",
				"FLUSH BINARY LOGS", "INSERT INTO t VALUES (2, 'two')")
			server, err := Ask(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			first := server.Logs[0].File
			stream, err := Dump(t.Context(), to, first, 4, 0xb0000101, true)
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if f := stream.Files(); f == nil || f.String() != filepath.Clean(s.DataDir()) {
				t.Fatalf("read from %v, not from %s", f, s.DataDir())
			}
			plain, err := Dump(t.Context(), root, first, 4, 0xb0000102, true)
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			if plain.Files() != nil {
				t.Error("root's stream is read from files")
			}
			same := func() {
				t.Helper()
				now, err := Ask(t.Context(), to)
				if err != nil {
					t.Fatal(err)
				}
				got, want := streamed(t, stream, now.Now), streamed(t, plain, now.Now)
				if len(got) != len(want) || len(got) == 0 {
					t.Fatalf("%d events from the files, %d over the connection", len(got), len(want))
				}
				for i := range got {
					if !bytes.Equal(got[i], want[i]) {
						t.Fatalf("event %d of type %d differs", i, got[i][4])
					}
				}
			}
			same()
			s.Exec(t, db, "INSERT INTO t VALUES (3, REPEAT('y', 300000))", "FLUSH BINARY LOGS",
				"UPDATE t SET v = 'three' WHERE id = 3")
			same()

			// From a place in the middle; one where no event begins is not there.
			part, err := Dump(t.Context(), to, server.Now.File, server.Now.Pos, 0xb0000103, false)
			if err != nil {
				t.Fatal(err)
			}
			defer part.Close()
			if got := streamed(t, part, Log{File: "z"}); len(got) < 4 {
				t.Errorf("%d events after %+v", len(got), server.Now)
			}
			for _, pos := range []uint64{server.Now.Pos - 1, server.Now.Pos + 1<<30} {
				wrong, err := Dump(t.Context(), to, server.Now.File, pos, 0xb0000104, false)
				if err != nil {
					t.Fatal(err)
				}
				var told *ServerError
				for err == nil {
					_, err = wrong.Next(t.Context())
				}
				if !errors.As(err, &told) || !told.NotFound() {
					t.Errorf("at %d: %v", pos, err)
				}
				wrong.Close()
			}
			foreignFiles(t, to)
		})
	}
}

// foreignFiles shows that files of another server are not taken.
func foreignFiles(t *testing.T, to mysql.Target) {
	t.Helper()
	f, err := FindFiles(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	good := *f
	for name, change := range map[string]func(*Files){
		"identity": func(f *Files) {
			f.own.host = "elsewhere"
			if f.own.uuid != "" {
				f.own.uuid = "00000000-0000-0000-0000-000000000000"
			}
		},
		"version": func(f *Files) { f.own.version = "8.0.1" },
		"end":     func(f *Files) { f.own.now.Pos -= 33 },
		"longer":  func(f *Files) { f.own.now.Pos += 1 << 20 },
		"absent":  func(f *Files) { f.Dir = t.TempDir() },
		"encrypted": func(f *Files) {
			f.Dir = t.TempDir()
			if err := os.WriteFile(filepath.Join(f.Dir, f.own.now.File), []byte("\xfdbin"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		f := good
		change(&f)
		var told *FilesError
		if err := f.prove(context.WithoutCancel(t.Context()), to); !errors.As(err, &told) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
