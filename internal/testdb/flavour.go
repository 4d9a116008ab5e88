package testdb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The one account of every server, with all rights, on TCP and socket.
const (
	account  = "root"
	password = "opsdeck"
)

// flavour is what differs between MySQL and MariaDB: programs, first
// initialisation, arguments.
type flavour struct {
	name    string
	family  string                          // "mysql" or "mariadb", where that is not the name
	tools   map[string][]string             // our name of a client program: theirs, in order of preference
	bin     func() string                   // folder of the programs, "" for the PATH
	init    func(server, data string) error // nil: the server needs none
	args    []string
	wrapped bool                                // the server program is a wrapper that says --no-defaults itself
	command func(dir string, port int) []string // of a server that takes other arguments than these two
}

var (
	flavours     = map[string]*flavour{"mysql": mysqlFlavour, "mariadb": mariadbFlavour}
	mysqlFlavour = &flavour{
		name: "mysql",
		tools: map[string][]string{"server": {"mysqld"}, "mysql": {"mysql"}, "mysqldump": {"mysqldump"},
			"mysqlbinlog": {"mysqlbinlog"}, "mysqladmin": {"mysqladmin"}},
		bin:  func() string { return filepath.Join(cacheDir(), "mysql9", "bin") },
		init: initMySQL,
		args: slices.Concat(
			[]string{"--mysqlx=0", "--innodb-redo-log-capacity=67108864", "--innodb-log-buffer-size=8M"},
			smallHistory()),

		wrapped: true,
	}
	mariadbFlavour = &flavour{
		name: "mariadb",
		tools: map[string][]string{"server": {"mariadbd"}, "mysql": {"mariadb"}, "mysqldump": {"mariadb-dump"},
			"mysqlbinlog": {"mariadb-binlog"}, "mysqladmin": {"mariadb-admin"}},
		bin:  func() string { return "" },
		init: initMariaDB,
		args: []string{mariadbLog},
	}
)

// mariadbLog is the size of MariaDB's log, of the template too: it would make another at each
// start.
const mariadbLog = "--innodb-log-file-size=67108864"

// smallHistory leaves out what MySQL keeps of statements, waits and errors of the past, which
// nothing reads. With the smaller log buffer it is 200 of 525 MB that each start fills, and a
// fifth of its CPU.
func smallHistory() (args []string) {
	for _, of := range []string{"statements", "waits", "stages", "transactions"} {
		args = append(args, "--performance-schema-events-"+of+"-history-long-size=100")
	}
	return append(args, "--performance-schema-digests-size=500", "--performance-schema-max-digest-length=256",
		"--performance-schema-error-size=1")
}

// accounts gives the one account its password, for the socket and for TCP.
const accounts = "CREATE USER root@'127.0.0.1' IDENTIFIED BY '" + password + "';\n" +
	"GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n" +
	"ALTER USER root@localhost IDENTIFIED BY '" + password + "';\n"

func initMySQL(server, data string) error {
	sql := data + ".sql"
	if err := os.WriteFile(sql, []byte(accounts), 0o600); err != nil {
		return err
	}
	defer os.Remove(sql)
	args := []string{
		"--initialize-insecure",
		"--datadir=" + data,
		"--init-file=" + sql,
		"--innodb-redo-log-capacity=67108864",
	}
	return run("", server, append(args, asUser()...)...)
}

func initMariaDB(server, data string) error {
	install, err := program("", "mariadb-install-db")
	if err != nil {
		return err
	}
	args := []string{"--no-defaults", "--datadir=" + data, "--skip-test-db", "--auth-root-authentication-method=normal",
		mariadbLog}
	if err := run("", install, append(args, asUser()...)...); err != nil {
		return err
	}
	sql := "FLUSH PRIVILEGES;\nDROP USER IF EXISTS root@'127.0.0.1';\n" + accounts
	args = append([]string{"--no-defaults", "--bootstrap", "--datadir=" + data, mariadbLog}, asUser()...)
	return run(sql, server, args...)
}

// asUser is the argument without which a server refuses to run as root.
func asUser() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func run(stdin, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), initTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second // for children that hold its output
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(out))
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, text[max(0, len(text)-600):])
	}
	return nil
}

// arguments of a server program. Durability against a crash of the machine is
// given up (nothing is synced); a kill -9 of the server loses nothing.
func (f *flavour) arguments(dir string, port int) []string {
	if f.command != nil {
		return f.command(dir, port)
	}
	data := filepath.Join(dir, "data")
	args := []string{
		"--no-defaults",
		"--datadir=" + data,
		"--socket=" + filepath.Join(dir, "sock"),
		"--port=" + strconv.Itoa(port),
		"--bind-address=127.0.0.1",
		"--pid-file=" + filepath.Join(dir, "server.pid"),
		"--server-id=1",
		"--log-bin=" + filepath.Join(data, "binlog"),
		"--local-infile=1",
		"--secure-file-priv=",
		"--innodb-buffer-pool-size=64M",
		"--innodb-flush-log-at-trx-commit=2",
		"--tmpdir=" + dir, // a server that starts removes what it finds of others' temporary tables
		"--innodb-flush-method=nosync",
		"--sync-binlog=0",
		"--max-connections=200",
		"--max-allowed-packet=64M",
	}
	if f.wrapped {
		args = args[1:] // the program's wrapper says --no-defaults, and it must come first
	}
	return append(append(args, f.args...), asUser()...)
}
