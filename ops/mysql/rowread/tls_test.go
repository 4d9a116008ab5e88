package rowread_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// login is an options file and what comes of it.
type login struct {
	lines string // of the options file; DIR is the folder of the certificates
	host  string // "" is the loopback's address, for which the certificate is not
	fault mysql.Fault
	says  string // in the sentence
	hint  string
}

var logins = []login{
	{"user=any", "", mysql.NoFault, "", ""},
	{"user=any\nskip-ssl", "", mysql.NoFault, "", ""},
	{"user=any\nssl-mode=REQUIRED", "", mysql.NoFault, "", ""},
	{"user=any\nssl-ca=DIR/ca.pem", "", mysql.NoFault, "", ""},
	{"user=any\nssl-ca=DIR/ca.pem\nssl-mode=VERIFY_IDENTITY", "localhost", mysql.NoFault, "", ""},
	{"user=any\nssl-ca=DIR/ca.pem\nssl-verify-server-cert", "localhost", mysql.NoFault, "", ""},
	{"user=tls", "", mysql.NoFault, "", ""},
	{"user=pair\nssl-ca=DIR/ca.pem\nssl-cert=DIR/me.pem\nssl-key=DIR/me.key", "", mysql.NoFault, "", ""},
	{"user=pair\nssl-cert=DIR/me.pem\nssl-key=DIR/me.key\nsocket=SOCKET", "", mysql.NoFault, "", ""},
	{"user=tls\nssl-mode=REQUIRED\nsocket=SOCKET", "", mysql.NoFault, "", ""},
	{"user=any\ntls-version=TLSv1.2\nssl-mode=REQUIRED", "", mysql.NoFault, "", ""},

	{"user=any\nssl-ca=DIR/other.pem", "", mysql.TLSFailed, "was not issued by the trusted CA", "ssl-ca"},
	{"user=any\nssl-verify-server-cert", "localhost", mysql.TLSFailed, "was not issued by the trusted CA", "ssl-ca"},
	{
		"user=any\nssl-ca=DIR/ca.pem\nssl-mode=VERIFY_IDENTITY",
		"",
		mysql.TLSFailed,
		"is for localhost, not for 127.0.0.1",
		"VERIFY_CA",
	},
	{"user=tls\nskip-ssl", "", mysql.LoginRefused, "REQUIRE SSL", "ssl-mode=REQUIRED"},
	{"user=tls\nsocket=SOCKET", "", mysql.LoginRefused, "REQUIRE SSL", "ssl-mode=REQUIRED"},
	{"user=pair", "", mysql.LoginRefused, "REQUIRE X509", "ssl-cert"},
	{"user=pair\nssl-ca=DIR/ca.pem", "", mysql.LoginRefused, "REQUIRE X509", "ssl-cert"},
	{
		"user=any\nssl-cert=DIR/stranger.pem\nssl-key=DIR/stranger.key",
		"",
		mysql.TLSFailed,
		"the client certificate",
		"ssl-key",
	},
	{"user=any\nssl-cert=DIR/old.pem\nssl-key=DIR/old.key", "", mysql.TLSFailed, "the client certificate", "expired"},
	{"user=locked\nssl-ca=DIR/ca.pem", "", mysql.AccountLocked, "locked", "runbook mysql-down"},
	{"user=expired\nssl-ca=DIR/ca.pem", "", mysql.PasswordExpired, "expired", "runbook mysql-down"},
	{"user=locked", "", mysql.AccountLocked, "locked", "runbook mysql-down"},
	{"user=expired", "", mysql.PasswordExpired, "expired", "runbook mysql-down"},
}

// TestEveryWayOfLoggingInWorksOrIsToldWithANextStep goes through the options of
// encryption with the driver and with the reader of raw rows.
func TestEveryWayOfLoggingInWorksOrIsToldWithANextStep(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb", "mariadb11"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s, certificates := testdb.PrivateTLS(t, flavour)
			db := s.Schema(t)
			s.Exec(
				t,
				db,
				"CREATE TABLE r (id INT PRIMARY KEY, v MEDIUMTEXT)",
				"INSERT INTO r VALUES (1, 'a'), (2, REPEAT('b', 100000)), (3, NULL)",
			)
			for user, as := range map[string]string{"any": "", "tls": "REQUIRE SSL", "pair": "REQUIRE X509",
				"locked": "ACCOUNT LOCK", "expired": "PASSWORD EXPIRE"} {
				s.Exec(t, "", "CREATE USER "+user+" IDENTIFIED BY 'pw' "+as, "GRANT SELECT ON `"+db+"`.* TO "+user)
			}
			want := readRows(t, reach(s), db, mysql.Open)
			for _, l := range logins {
				s.Exec(t, "", "FLUSH PRIVILEGES") // the server knows no password by a former login
				l.try(t, s, certificates, db, want)
			}
			compressed(t, s, db, want)
		})
	}
}

// try logs in both ways and reads the rows.
func (l login) try(t *testing.T, s *testdb.Server, c testdb.Certificates, db, want string) {
	t.Helper()
	host := l.host
	if host == "" {
		host = s.Host
	}
	path := filepath.Join(t.TempDir(), "my.cnf")
	text := strings.NewReplacer("DIR", c.Dir, "SOCKET", s.Socket).Replace(l.lines)
	if !strings.Contains(text, "socket=") {
		text += fmt.Sprintf("\nhost=%s\nport=%d", host, s.Port)
	}
	if err := os.WriteFile(path, []byte("[client]\npassword=pw\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := mysql.Resolve(config.Database{OptionsFile: path})
	if err != nil {
		t.Fatalf("%q: %v", l.lines, err)
	}
	for how, open := range map[string]opener{"driver": mysql.Open, "raw": rawOpen} {
		if l.fault == mysql.NoFault {
			if got := readRows(t, to, db, open); got != want {
				t.Errorf("%s, %q: the rows sum up to %s, not to %s", how, l.lines, got, want)
			}
			continue
		}
		pool, err := open(t.Context(), to, db)
		if err == nil {
			pool.Close()
		}
		var e *ops.Error
		if mysql.FaultOf(err) != l.fault || !errors.As(err, &e) || !strings.Contains(e.Error(), l.says) ||
			!strings.Contains(e.Hint.String(), l.hint) {
			t.Errorf(
				"%s, %q: fault %d: %v\nwant %d, %q, %q",
				how,
				l.lines,
				mysql.FaultOf(err),
				err,
				l.fault,
				l.says,
				l.hint,
			)
		}
	}
}

func reach(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
}

type opener = func(context.Context, mysql.Target, string, ...func(*mysqldriver.Config)) (*sql.DB, error)

func rawOpen(ctx context.Context, t mysql.Target, db string, _ ...func(*mysqldriver.Config)) (*sql.DB, error) {
	return rowread.Open(ctx, t, db)
}

// readRows sums the table up by the reader of rows, and tells whether TLS was used.
func readRows(t *testing.T, to mysql.Target, db string, open opener) string {
	t.Helper()
	pool, err := open(t.Context(), to, db)
	if err != nil {
		t.Errorf("%+v: %v", to, err)
		return ""
	}
	defer pool.Close()
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if row, err := schema.All(t.Context(), c, "SHOW SESSION STATUS LIKE 'Ssl_cipher'"); err != nil ||
		(row[0][1] == "") != (to.TLS == nil) && (to.TLS != nil || to.NoTLS) {
		t.Errorf("%+v: cipher %v, %v", to, row, err)
	}
	if err := checksum.Session(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	tables, err := schema.Tables(t.Context(), c, db)
	if err != nil {
		t.Fatal(err)
	}
	n, sum, err := checksum.Table(t.Context(), c, tables[0], false, nil)
	if err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
	return sum.String()
}

// compressed reads over the driver's compression.
func compressed(t *testing.T, s *testdb.Server, db, want string) {
	t.Helper()
	open := func(ctx context.Context, to mysql.Target, db string, _ ...func(*mysqldriver.Config)) (*sql.DB, error) {
		return mysql.Open(ctx, to, db, func(c *mysqldriver.Config) { c.Apply(mysqldriver.EnableCompression(true)) })
	}
	if got := readRows(t, reach(s), db, open); got != want {
		t.Errorf("compressed, the rows sum up to %s, not to %s", got, want)
	}
}
