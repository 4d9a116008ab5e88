package dump

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/binlog"
)

// mysqlImage imports an image of MySQL 9 with a shell, built from the tests' own server.
// $1 is its root, $2 a working folder, $3 busybox.
const mysqlImage = `cd "$2" && mkdir -p my/tmp my/run/mysqld my/var/lib/mysql my/etc bb/usr/bin && chmod 1777 my/tmp && ln -s ../run my/var/run
for l in bin lib lib64 sbin; do ln -s usr/$l my/$l; done; echo 'root:x:0:0::/root:/bin/sh' >my/etc/passwd
cp "$3" bb/usr/bin/busybox && ln -s busybox bb/usr/bin/sh
tar -C my -cf all.tar .
tar -C "$1" -rf all.tar usr/sbin/mysqld usr/bin/mysqldump usr/lib usr/lib64 usr/share/mysql
tar -C bb -rf all.tar usr/bin && docker import -c 'ENV PATH=/usr/sbin:/usr/bin' all.tar opsdeck-mysql:9`

// The server's own tool runs in the server's container if this machine has neither
// mysqldump nor mariadb-dump.
func TestToolInTheServersContainerMakesABackup(t *testing.T) {
	engine := testdb.Docker(t)
	db := inContainer(t, engine, "qianzhang-mysql")
	to := mysql.Target{Network: "tcp", Addr: db, User: "backup", Password: "it's \"$x`"}
	// A PATH with docker only.
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(docker, filepath.Join(bin, "docker")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", engine.Host)
	t.Setenv("PATH", bin)
	path := filepath.Join(t.TempDir(), "a.sql.gz")
	m, err := Foreign{Container: "qianzhang-mysql"}.Run(t.Context(), to, Options{Databases: []string{"shop"}}, path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text(t, path, m))
	for _, want := range []string{"INSERT INTO `customers` VALUES (1,'千张'),(2,'it\\'s');", "CREATE DATABASE", "-- Dump completed"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the dump:\n%.3000s", want, got)
		}
	}
	if m.Engine != "mysqldump" || m.Server.Flavour != "mysql" {
		t.Errorf("made by %s of a %s", m.Engine, m.Server.Flavour)
	}
	// The tool is found by the name that it has in the container.
	if tool, maria := (Foreign{Container: "qianzhang-mysql"}).contained(t.Context(), docker, []string{"mariadb-dump", "mysqldump"}); tool != "mysqldump" ||
		maria {
		t.Errorf("the container's tool is %s, MariaDB's: %v", tool, maria)
	}
	logFromTheContainer(t, engine, to)
	for name, bad := range map[string]Foreign{"no such container": {Container: "absent"}, "none": {}} {
		dir := t.TempDir()
		if _, err := bad.Run(t.Context(), to, Options{Databases: []string{"shop"}}, dir+"/a.sql.gz"); err == nil {
			t.Errorf("%s: a dump came of it", name)
		}
		nothingLeft(t, dir)
	}
}

// logFromTheContainer archives the binary log of a server in a container by docker cp, as a
// user who may not receive it, once and again, and follows it.
func logFromTheContainer(t *testing.T, engine *testdb.DockerEngine, to mysql.Target) {
	t.Helper()
	root := mysql.Target{Network: "tcp", Addr: to.Addr, User: "root"}
	to.Container = "qianzhang-mysql"
	var told []string
	o := binarchive.Options{
		Target: to,
		Folder: binarchive.Folder{Dir: t.TempDir()},
		Tell: func(n binarchive.Note) {
			if n.Files != nil {
				told = append(told, n.Files.String())
			}
		},
	}
	pool, err := mysql.Open(t.Context(), root, "")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for i, q := range []string{"INSERT INTO shop.customers VALUES (3,'three')", "FLUSH BINARY LOGS",
		"INSERT INTO shop.customers VALUES (4,'four')"} {
		if _, err := pool.Exec(q); err != nil {
			t.Fatal(err)
		}
		r, err := binarchive.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		server, err := binlog.Ask(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		if r.Bytes == 0 || r.At.File != server.Now.File || r.At.Pos != server.Now.Pos || len(r.Gaps) > 0 {
			t.Fatalf("run %d: %+v; the server is at %+v", i, r, server.Now)
		}
	}
	if len(told) != 3 || told[0] != "qianzhang-mysql:/var/lib/mysql" {
		t.Errorf("read from %q", told)
	}
	followThroughAnOutage(t, engine, pool, root, o)
	absent := o
	absent.Follow = true
	absent.Target.Container = "absent"
	if _, err := binarchive.Run(t.Context(), absent); !binlog.LacksRight(err) {
		t.Errorf("without the right and without files, a follower ends with %v", err)
	}
	all, err := o.Folder.Segments(serverOf(t, o.Folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if c := o.Folder.Verify(t.Context(), s, nil, nil); c.Err != nil || c.Events == 0 {
			t.Errorf("%s: %+v", s.File, c)
		}
	}
}

// followThroughAnOutage follows the log while the daemon cannot be reached for a time, and the
// server goes on: the follower says so, waits, and has the whole log afterwards.
func followThroughAnOutage(
	t *testing.T,
	engine *testdb.DockerEngine,
	pool *sql.DB,
	root mysql.Target,
	o binarchive.Options,
) {
	t.Helper()
	notes := make(chan binarchive.Note, 1000)
	o.Follow = true
	o.Tell = func(n binarchive.Note) { notes <- n }
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := binarchive.Run(ctx, o)
		ended <- err
	}()
	wait := func(what string, is func(binarchive.Note) bool) {
		t.Helper()
		for {
			select {
			case n := <-notes:
				if is(n) {
					return
				}
			case err := <-ended:
				t.Fatalf("the follower ended before %s: %v", what, err)
			}
		}
	}
	write := func(query string) (at binlog.Log) {
		t.Helper()
		if _, err := pool.Exec(query); err != nil {
			t.Fatal(err)
		}
		server, err := binlog.Ask(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		return server.Now
	}
	has := func(at binlog.Log) func(binarchive.Note) bool {
		return func(n binarchive.Note) bool {
			if n.Synced.IsZero() {
				return false
			}
			all, err := o.Folder.Segments(serverOf(t, o.Folder))
			if err != nil {
				t.Fatal(err)
			}
			last := all[len(all)-1]
			return last.File == at.File && last.ToPos == at.Pos
		}
	}
	wait("it followed", has(write("INSERT INTO shop.customers VALUES (5,'five')")))
	socket := strings.TrimPrefix(engine.Host, "unix://")
	if err := os.Rename(socket, socket+".away"); err != nil {
		t.Fatal(err)
	}
	missed := write("INSERT INTO shop.customers VALUES (6,'six')")
	wait("it said what is away", func(n binarchive.Note) bool {
		return n.Retry != nil && strings.Contains(n.Retry.Error(), "daemon")
	})
	logins := func() (n int) {
		t.Helper()
		err := pool.QueryRow("SELECT TOTAL_CONNECTIONS FROM performance_schema.users WHERE USER = 'backup'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for before := logins(); logins() < before+12; { // a try logs in three to six times
		select {
		case err := <-ended:
			t.Fatalf("the follower ended while the daemon was away: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := os.Rename(socket+".away", socket); err != nil {
		t.Fatal(err)
	}
	wait("it was back", func(n binarchive.Note) bool { return n.Back })
	wait("it had what it missed", has(missed))
	wait("it went on into a new file", has(write("FLUSH BINARY LOGS")))
	end()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func serverOf(t *testing.T, f binarchive.Folder) string {
	t.Helper()
	ids, err := f.Servers()
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	return ids[0]
}

// inContainer runs MySQL 9 in a container on the host network, with a database shop and a
// backup user, and returns its address.
func inContainer(t *testing.T, engine *testdb.DockerEngine, name string) string {
	t.Helper()
	server := testdb.MySQL(t) // provides the programs
	root := filepath.Join(filepath.Dir(filepath.Dir(server.Tool(t, "mysqldump"))), "root")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	engine.Run(t, "sh", "-ec", mysqlImage, "sh", root, t.TempDir(), busybox)
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	start := fmt.Sprintf("mysqld --no-defaults --user=root --datadir=/var/lib/mysql --initialize-insecure && "+
		"exec mysqld --no-defaults --user=root --datadir=/var/lib/mysql --secure-file-priv=NULL --mysqlx=OFF "+
		"--bind-address=127.0.0.1 --port=%d --socket=/var/run/mysqld/mysqld.sock", port)
	engine.Run(t, "docker", "run", "-d", "--name", name, "--network", "host", "opsdeck-mysql:9", "sh", "-c", start)
	pool := answering(t, engine, name, addr)
	for _, q := range []string{
		"CREATE DATABASE shop", "CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(40))", "INSERT INTO shop.customers VALUES (1,'千张'),(2,'it''s')",
		"CREATE USER backup@'%' IDENTIFIED BY 'it''s \"$x`'", "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER, REPLICATION CLIENT " +
			"ON *.* TO backup@'%'",
	} {
		if _, err := pool.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return addr
}

// answering waits until the server in a container responds.
func answering(t *testing.T, engine *testdb.DockerEngine, name, addr string) *sql.DB {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if pool, err := mysql.Open(t.Context(), mysql.Target{Network: "tcp", Addr: addr, User: "root"},
			""); err == nil {
			t.Cleanup(func() { pool.Close() })
			return pool
		}
	}
	t.Fatalf("MySQL in the container does not answer: %s", engine.Run(t, "docker", "logs", name))
	return nil
}
