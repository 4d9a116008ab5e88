package testdb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Server is a real MySQL or MariaDB server, or TiDB's. Its binary log is on. The
// account has all rights, by TCP and by socket.
type Server struct {
	Flavour  string // "mysql" or "mariadb"
	Host     string // "127.0.0.1"
	Port     int
	Socket   string
	User     string
	Password string

	flavour *flavour
	dir     string
	extra   []string
	proc    atomic.Pointer[process] // a watchdog of a test may start it again beside the test
}

func newServer(f *flavour, extra []string) (*Server, error) {
	server, err := f.tool("server")
	if err != nil {
		return nil, err
	}
	if f.init == nil {
		dir, err := newFolder(f.name)
		return &Server{
			Flavour: f.name,
			Host:    "127.0.0.1",
			Socket:  filepath.Join(dir, "sock"),
			User:    account,
			flavour: f,
			dir:     dir,
			extra:   extra,
		}, err
	}
	template, err := f.template(server)
	if err != nil {
		return nil, err
	}
	dir, err := newFolder(f.name)
	if err != nil {
		return nil, err
	}
	if err := run("", "cp", "-a", "--reflink=auto", template, filepath.Join(dir, "data")); err != nil {
		return nil, err
	}
	kind := f.name
	if f.family != "" {
		kind = f.family
	}
	return &Server{
		Flavour:  kind,
		Host:     "127.0.0.1",
		Socket:   filepath.Join(dir, "sock"),
		User:     account,
		Password: password,
		flavour:  f,
		dir:      dir,
		extra:    extra,
	}, nil
}

// start runs the server; the first start looks for a port, later ones keep it.
func (s *Server) start() error {
	server, err := s.flavour.tool("server")
	if err != nil {
		return err
	}
	first := s.Port == 0
	for range 3 {
		if first {
			if s.Port, err = FreePort(); err != nil {
				return err
			}
		}
		args := append(s.flavour.arguments(s.dir, s.Port), s.extra...)
		var proc *process
		if proc, err = launch(s.dir, nil, server, args...); err != nil {
			return err
		}
		s.proc.Store(proc)
		if err = proc.ready(s.ping); err == nil || !strings.Contains(err.Error(), "ddress already in use") {
			return err
		}
	}
	return err
}

func (s *Server) ping(ctx context.Context) error {
	// A stranger may hold the port, so the answer must be this server's.
	db, err := sql.Open("mysql", s.DSN("")+"?timeout=2s&readTimeout=10s")
	if err != nil {
		return err
	}
	defer db.Close()
	var socket string
	if err := db.QueryRowContext(ctx, "SELECT @@socket").Scan(&socket); err != nil {
		return err
	}
	if socket != s.Socket {
		return fmt.Errorf("port %d answers for %s", s.Port, socket)
	}
	return nil
}

// remove ends the server and removes its folder.
func (s *Server) remove() {
	if proc := s.proc.Load(); proc != nil {
		proc.kill()
	}
	os.RemoveAll(s.dir)
}

// Start starts a server that was stopped or killed, on the same port with the
// same data, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.proc.Load().running() {
		return
	}
	if err := s.start(); err != nil {
		t.Fatalf("start %s: %v", s.Flavour, err)
	}
}

// Configure replaces the further arguments of the server program, from the next Start on.
func (s *Server) Configure(args ...string) { s.extra = args }

// Stop ends the server in order and waits for it.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.proc.Load().stop(); err != nil {
		t.Fatalf("stop %s: %v", s.Flavour, err)
	}
}

// Kill is kill -9; it waits until the server is gone.
func (s *Server) Kill() { s.proc.Load().kill() }

// PID is the process id of the server, as it runs now.
func (s *Server) PID() int { return s.proc.Load().cmd.Process.Pid }

// DataDir is the server's data folder.
func (s *Server) DataDir() string { return filepath.Join(s.dir, "data") }

// DSN is the address for the Go driver, by TCP, without parameters.
func (s *Server) DSN(db string) string {
	return fmt.Sprintf("%s:%s@tcp(%s:%d)/%s", s.User, s.Password, s.Host, s.Port, db)
}

// Open opens a database ("" for none); it is closed at the test's end.
func (s *Server) Open(t testing.TB, db string) *sql.DB {
	t.Helper()
	return s.open(t, s.DSN(db))
}

func (s *Server) open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxIdleConns(idle)
	t.Cleanup(func() { pool.Close() })
	return pool
}

// idle is how many connections a pool keeps: with the two of database/sql, three writers
// side by side log in again for most of their transactions.
const idle = 8

var (
	schemaCount atomic.Int64
	notWord     = regexp.MustCompile(`[^a-z0-9]+`)
)

// Schema makes an empty utf8mb4 schema with a name of its own, dropped at the
// test's end.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := notWord.ReplaceAllString(strings.ToLower(t.Name()), "_")
	name = fmt.Sprintf("t%d_%s", schemaCount.Add(1), strings.Trim(name[max(0, len(name)-40):], "_"))
	db := s.Open(t, "")
	if err := execute(context.Background(), db, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4"+
		s.collated()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.drop(t, db, name) })
	return name
}

// drop drops a schema of a test that ends. One that somebody still holds tables of, a
// session of a line that the test left open say, is told.
func (s *Server) drop(t testing.TB, db *sql.DB, name string) {
	t.Helper()
	if !s.proc.Load().running() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
	defer cancel()
	if err := execute(ctx, db, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil && ctx.Err() != nil {
		t.Errorf("%s is not dropped after %v; the server is at\n%s", name, toolTimeout, s.work())
	}
}

// collated has text compared as the others do; TiDB tells upper from lower case
// unless it is asked not to.
func (s *Server) collated() string {
	if s.flavour == tidbFlavour {
		return " COLLATE utf8mb4_general_ci"
	}
	return ""
}

// Exec runs statements in a database ("" for none), on one connection. A string
// may hold several statements with semicolons between them.
func (s *Server) Exec(t testing.TB, db string, statements ...string) {
	t.Helper()
	pool := s.open(t, s.DSN(db)+"?multiStatements=true")
	defer pool.Close()
	conn, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range statements {
		if err := execute(context.Background(), conn, statement); err != nil {
			t.Fatalf("%s: %.200s: %v", s.Flavour, statement, err)
		}
	}
}

// executor is a pool or one connection.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// execute runs a statement. A definition that MySQL refuses for those of other tests,
// by a deadlock, has done nothing, and is run again.
func execute(ctx context.Context, on executor, statement string) error {
	const deadlock = 1213
	verb, _, _ := strings.Cut(statement, " ")
	defines := strings.Contains("CREATE DROP ALTER RENAME", verb) && !strings.Contains(statement, ";")
	for {
		_, err := on.ExecContext(ctx, statement)
		var refused *mysql.MySQLError
		if !defines || !errors.As(err, &refused) || refused.Number != deadlock {
			return err
		}
		time.Sleep(time.Duration(5+rand.IntN(50)) * time.Millisecond)
	}
}

// OptionsFile writes an options file with the account's [client] section, mode
// 0600, in a folder of the test.
func (s *Server) OptionsFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "my.cnf")
	text := fmt.Sprintf("[client]\nuser=%s\npassword=%s\nhost=%s\nport=%d\n", s.User, s.Password, s.Host, s.Port)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Tool is the path of a client program of the server's flavour: "mysql",
// "mysqldump", "mysqlbinlog" or "mysqladmin".
func (s *Server) Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := s.flavour.tool(name)
	if err != nil {
		absent(t, err)
	}
	return path
}

func (f *flavour) tool(name string) (string, error) {
	if f == tidbFlavour && name == "server" {
		return exec.LookPath(os.Getenv("OPSDECK_TIDB"))
	}
	return program(f.bin(), f.tools[name]...)
}

// Dump is what the flavour's mysqldump writes, given further arguments.
func (s *Server) Dump(t testing.TB, args ...string) []byte {
	t.Helper()
	return s.runTool(t, "mysqldump", nil, args...)
}

// Client feeds the flavour's mysql client and returns what it prints.
func (s *Server) Client(t testing.TB, db string, stdin io.Reader) []byte {
	t.Helper()
	var args []string
	if db != "" {
		args = []string{db}
	}
	return s.runTool(t, "mysql", stdin, args...)
}

func (s *Server) runTool(t testing.TB, tool string, stdin io.Reader, args ...string) []byte {
	t.Helper()
	var stalled atomic.Pointer[string]
	ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(
		ctx,
		s.Tool(t, tool),
		append([]string{"--defaults-file=" + s.OptionsFile(t)}, args...)...)
	cmd.Cancel = func() error { // while the server still shows what it waits for
		work := s.work()
		stalled.Store(&work)
		return cmd.Process.Kill()
	}
	var out, problems bytes.Buffer
	cmd.Stdin = stdin
	cmd.Stdout = &out
	cmd.Stderr = &problems
	err := cmd.Run()
	if work := stalled.Load(); work != nil {
		t.Fatalf("%s of %s is not done after %v; the server is at\n%s", tool, s.Flavour, toolTimeout, *work)
	}
	if err != nil {
		t.Fatalf("%s of %s: %v: %s", tool, s.Flavour, err, problems.Bytes())
	}
	return out.Bytes()
}

// toolTimeout is how long a client program may take: a lock that somebody holds for
// ever ends a test with a sentence, not the whole run without one.
const toolTimeout = 4 * time.Minute

// work is what the server's connections are at, a line each.
func (s *Server) work() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	rows, err := db.QueryContext(
		ctx,
		"SELECT CONCAT_WS(' ', ID, COMMAND, TIME, STATE, LEFT(INFO, 300)) FROM information_schema.PROCESSLIST",
	)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if rows.Scan(&line) == nil {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// Quiet keeps the driver's own notes (about connections that a test breaks on
// purpose) out of the test's output.
func Quiet(t testing.TB) {
	t.Helper()
	mysql.SetLogger(&mysql.NopLogger{})
}

// Running tells whether the server's process is there.
func (s *Server) Running() bool { return s.proc.Load().running() }
