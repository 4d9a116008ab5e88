// Package mysql reaches MySQL and MariaDB servers: where one is, how to log in,
// and what its errors mean to a person. Its children dump, load and query.
package mysql

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/optfile"
	"opsdeck/internal/trust"
	"opsdeck/ops"
)

func init() {
	// The driver reports broken connections on stderr by default; over a
	// console that would tear the screen.
	driver.SetLogger(log.New(io.Discard, "", 0))
}

// dialTimeout bounds how long reaching a server may take, greeting included.
const dialTimeout = 5 * time.Second

// Target is a server and how to log in to it.
type Target struct {
	Network  string // "tcp" or "unix"
	Addr     string // host:port, or the socket's path
	User     string
	Password string
	TLS      *tls.Config // nil: TLS when the server offers it, unverified, as clients do
	NoTLS    bool
	Client   ClientTLS // the same for other programs
	Database string    // the configured name, "" for none: see sessions.misnamed
	// StallAfter is how long the line may be silent before the server is asked whether it
	// is still at work; 0 is a minute.
	StallAfter time.Duration
	// WaitForRoom keeps a line open while the server waits for free space on its disk: its
	// user tells that it waits, and what for.
	WaitForRoom bool
	Container   string // of Docker, in which the server may run; "" for none
	NoOptions   string // the options file, where it does not exist
	Guessed     bool   // nothing says where the server is: it is tried at the usual place

	unknown bool // the account is not known here: nothing can be asked
}

// ClientTLS is the encryption that the options file asks for, for the server's own
// client programs, which do it themselves. Files are paths.
type ClientTLS struct {
	Mode     string // "" is not said, else one of MySQL's ssl-mode
	CA       string
	CAPath   string
	Cert     string
	Key      string
	Versions string // tls-version
}

// String names the target without its secrets: "root@127.0.0.1:3306".
func (t Target) String() string { return t.User + "@" + t.Addr }

// usual tells whether the server is at the place where this machine's only one is, which need
// not be named.
func (t Target) usual() bool {
	return t.Network == "unix" && slices.Contains(UsualSockets, t.Addr) ||
		t.Network == "tcp" && (t.Addr == "127.0.0.1:3306" || t.Addr == "localhost:3306" || t.Addr == "[::1]:3306")
}

// UsualSockets are the sockets of the packages of MySQL and MariaDB in Debian, Ubuntu and
// RHEL, and of MySQL's own builds.
var UsualSockets = []string{
	"/run/mysqld/mysqld.sock",
	"/var/run/mysqld/mysqld.sock",
	"/var/lib/mysql/mysql.sock",
	"/tmp/mysql.sock",
}

// Server names the place without the user, for locks and records.
func (t Target) Server() string { return t.Addr }

// Resolve finds the target of a configuration: what it says itself, else what
// its options file says, else 127.0.0.1:3306 and the user running opsdeck.
func Resolve(c config.Database) (Target, error) {
	opts, secure, err := readOptions(c.OptionsFile)
	absent := errors.Is(err, fs.ErrNotExist)
	nowhere := c.Host == "" && c.Port == 0 && c.Socket == ""
	if absent {
		err = nil
		if nowhere {
			err = MissingOptions(c.OptionsFile)
		}
	}
	if err != nil {
		return Target{}, err
	}
	t := Target{User: first(c.User, opts["user"], os.Getenv("USER"), "root"), Password: opts["password"],
		StallAfter: c.StallAfter, Database: c.Name, Container: c.Container}
	if absent {
		t.NoOptions = c.OptionsFile
		t.Guessed = nowhere
	}
	host, port, socket, err := place(c, opts)
	if err != nil {
		return Target{}, err
	}
	if socket != "" {
		t.Network, t.Addr = "unix", config.Home(socket)
		return t, secure.apply(&t, "localhost")
	}
	t.Network, t.Addr = "tcp", net.JoinHostPort(first(host, "127.0.0.1"), strconv.Itoa(cmp.Or(port, defaultPort)))
	return t, secure.apply(&t, host)
}

const defaultPort = 3306

// place is where the server is: by the configuration, else by the options file. What neither
// says is empty, or 0.
func place(c config.Database, opts map[string]string) (host string, port int, socket string, err error) {
	host, port, socket = first(c.Host, opts["host"]), c.Port, c.Socket
	if socket == "" && c.Host == "" && (host == "" || host == "localhost") {
		socket = opts["socket"]
	}
	if socket == "" && port == 0 && opts["port"] != "" {
		if port, err = strconv.Atoi(opts["port"]); err != nil || port < 1 || port > 65535 {
			return "", 0, "", ops.E(ops.Config,
				lang.M("the port %q in %s is not a port number", opts["port"], c.OptionsFile))
		}
	}
	return host, port, socket, nil
}

// Placed is a configuration with what its options file says of the server's place, for advice
// that names the host, the port or the socket. A default port of the file stays unsaid, and so
// does all of a file that cannot be read.
func Placed(c config.Database) config.Database {
	opts, _, err := readOptions(c.OptionsFile)
	if err != nil {
		return c
	}
	host, port, socket, err := place(c, opts)
	if err != nil {
		return c
	}
	c.Host, c.Socket = host, socket
	if c.Port == 0 && socket == "" && port != defaultPort {
		c.Port = port
	}
	return c
}

// optionGroups are the groups that are read of an options file: those of all clients, of
// MySQL and of MariaDB, and our own.
var optionGroups = []string{"client", "client-server", "client-mariadb", "opsdeck"}

func readOptions(path string) (opts map[string]string, secure security, err error) {
	if path == "" {
		return nil, secure, nil
	}
	list, err := optfile.Settings(config.Home(path), optionGroups...)
	var insecure *optfile.InsecureError
	var untrusted *trust.Error
	switch {
	case err == nil:
		opts = map[string]string{}
		for _, s := range list {
			opts[s.Name] = s.Value
		}
		secure, err = readSecurity(list)
		return opts, secure, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, secure, err
	case errors.As(err, &untrusted):
		return nil, secure, ops.Wrap(err, ops.Config, lang.M("refused: %s", untrusted.Msg())).
			WithHint(lang.M("if its content is right, run: %s", untrusted.Fix))
	case errors.As(err, &insecure):
		return nil, secure,
			ops.Wrap(err, ops.Config, lang.M("%s holds a password and other users can read it", insecure.Path)).
				WithHint(lang.M("run: chmod 600 %s", insecure.Path))
	}
	return nil, secure, ops.Wrap(err, ops.Config, lang.M("the options file %s cannot be read", path))
}

// Config is the driver's configuration for the target. Times are not parsed:
// zero dates and microseconds must come through as the server prints them.
func (t Target) Config(database string) *driver.Config {
	c := driver.NewConfig()
	c.Net = t.Network
	c.Addr = t.Addr
	c.User = t.User
	c.Passwd = t.Password
	c.DBName = database
	c.Timeout, c.DialFunc = dialTimeout, t.DialLine
	c.MaxAllowedPacket = 0 // ask the server
	c.Params = map[string]string{}
	c.Apply(driver.Charset("utf8mb4", ""))
	switch {
	case t.NoTLS:
	case t.TLS != nil:
		c.TLS = t.TLS
	case t.Network == "unix":
	default:
		c.TLSConfig = "preferred"
	}
	return c
}

// Open returns a pool of connections to a database ("" for none) after one of
// them has answered. Errors are *ops.Error, as Explain makes them. change may
// adjust the driver's configuration.
func Open(ctx context.Context, t Target, database string, change ...func(*driver.Config)) (*sql.DB, error) {
	c := t.Config(database)
	for _, f := range change {
		f(c)
	}
	connector, err := Connector(c)
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the database settings cannot be used"))
	}
	if s, ok := connector.(*sessions); ok {
		s.configured = t.Database
	}
	db := sql.OpenDB(connector)
	began := time.Now()
	ping, cancel := context.WithTimeout(ctx, loginLimit(ctx))
	defer cancel()
	if err := db.PingContext(ping); err != nil {
		db.Close()
		loginFailed(ctx, time.Since(began))
		if errors.Is(ping.Err(), context.DeadlineExceeded) {
			until, _ := ping.Deadline()
			err = &silentError{max(0, until.Sub(began).Round(10*time.Millisecond)), ping.Err()}
		}
		return nil, Explain(err, t)
	}
	return db, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
