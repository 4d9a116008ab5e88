package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

func targetOf(s *testdb.Server) Target {
	return Target{
		Network:  "tcp",
		Addr:     net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		User:     s.User,
		Password: s.Password,
	}
}

func lookOnce(t *testing.T, p Probe) health.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return p.Health()(ctx)
}

func TestProbeSeesWhatARealServerIs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		r := lookOnce(t, Probe{Target: targetOf(s), Threads: 0.8, Transaction: time.Hour, Lag: time.Minute})
		if r.State != ops.StateOK {
			t.Fatalf("%s: %s", r.State, r.Detail)
		}
		if got := r.Field("flavour"); got != s.Flavour {
			t.Errorf("flavour %v, want %s", got, s.Flavour)
		}
		for _, name := range []string{"version", "read_only", "max_connections", "threads_connected", "uptime_ms",
			"slow_query_log", "transactions", "lock_waits", "replication"} {
			if r.Field(name) == nil {
				t.Errorf("%s is unknown on a server that shows everything", name)
			}
		}
		if n, _ := r.Field("threads_connected").(int64); n < 1 {
			t.Errorf("threads_connected = %v", r.Field("threads_connected"))
		}
	})
}

// TestTheDataFolderIsTheServersOwn, whatever folders of usual names this machine has.
func TestTheDataFolderIsTheServersOwn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		got, err := DataFolder(t.Context(), targetOf(s))
		if err != nil || filepath.Clean(got) != s.DataDir() {
			t.Errorf("%q (%v), want %q", got, err, s.DataDir())
		}
	})
}

func TestProbeWithoutRightsSaysWhatItCannotSee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		s.Exec(
			t,
			"",
			"CREATE USER IF NOT EXISTS poor@'%' IDENTIFIED BY 'pw'",
			"CREATE USER IF NOT EXISTS poor@localhost IDENTIFIED BY 'pw'",
		)
		target := targetOf(s)
		target.User, target.Password = "poor", "pw"
		r := lookOnce(t, Probe{Target: target, Threads: 0.8})
		if r.State != ops.StateWarning || r.Field("version") == nil ||
			!strings.Contains(r.Detail.String(), "lock waits in MySQL are not visible") {
			t.Fatalf("%s: %s", r.State, r.Detail)
		}
		grant, found := strings.CutPrefix(strings.TrimSuffix(r.Next.String(), "."), "Grant it: ")
		if !found {
			t.Fatalf("next: %s", r.Next)
		}
		defer s.Exec(t, "", strings.Replace(strings.Replace(grant, "GRANT", "REVOKE", 1), " TO ", " FROM ", 1))
		for _, f := range r.Fields {
			if f.Name == "transactions" && (f.State != ops.StateUnknown || f.Reason.Empty() || f.Value != nil) {
				t.Errorf("transactions without PROCESS: %+v", f)
			}
		}
		s.Exec(t, "", grant) // the advice, as it is typed
		if r := lookOnce(t, Probe{Target: target, Threads: 0.8}); r.State != ops.StateOK {
			t.Errorf("after %s: %s %s", grant, r.State, r.Detail)
		}
		target.Password = "wrong"
		r = lookOnce(t, Probe{Target: target})
		if r.State != ops.StateUnknown || r.Down || r.Next.Empty() || strings.Contains(r.Detail.String(), "wrong") {
			t.Fatalf("wrong password: %s %s", r.State, r.Detail)
		}
	})
}

func TestProbeFindsLongTransactionsAndLockWaits(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		s.Exec(t, schema, "CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB", "INSERT INTO t VALUES (1, 1)")
		db := s.Open(t, schema)
		hold, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Rollback()
		if _, err := hold.Exec("UPDATE t SET v = 2"); err != nil {
			t.Fatal(err)
		}
		wait := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(wait)
			db.ExecContext(ctx, "UPDATE t SET v = 3")
		}()
		defer func() { cancel(); <-wait }()
		p := Probe{Target: targetOf(s), Threads: 0.99, Transaction: 500 * time.Millisecond}
		for deadline := time.Now().Add(2 * time.Minute); ; {
			r := lookOnce(t, p)
			n, _ := r.Field("lock_waits").(int64)
			if n == 1 && r.State == ops.StateWarning && strings.Contains(r.Detail.String(), "transaction") {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s; lock waits %v", r.State, r.Detail, n)
			}
			time.Sleep(
				200 * time.Millisecond,
			) // MariaDB keeps INNODB_TRX as it was while it is read more often than every 100 ms
		}
	})
}

func TestProbeSeesStatementsThatRunForLong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Open(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			db.ExecContext(ctx, "DO SLEEP(600)")
		}()
		defer func() { cancel(); <-over }()
		p := Probe{Target: targetOf(s), Threads: 0.99, Transaction: time.Second}
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
			r := lookOnce(t, p)
			if r.State == ops.StateWarning && strings.Contains(r.Detail.String(), "running too long") {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
		}
	})
}

func TestProbeSeesReadOnlyAndTheSlowQueryLog(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			p := Probe{Target: targetOf(s)}
			if r := lookOnce(t, p); r.State != ops.StateOK || r.Field("read_only") != false ||
				r.Field("slow_query_log") != false {
				t.Fatalf("%s: %v", r.Detail, r.Fields)
			}
			s.Exec(t, "", "SET GLOBAL slow_query_log = 1, GLOBAL long_query_time = 2", "SET GLOBAL read_only = 1")
			r := lookOnce(t, p)
			if r.State != ops.StateWarning || r.Detail.String() != "MySQL is read-only" ||
				r.Field("read_only") != true ||
				r.Field("slow_query_log") != true {
				t.Fatalf("%s: %s; %v", r.State, r.Detail, r.Fields)
			}
			s.Exec(t, "", "SET GLOBAL read_only = 0")
			if r := lookOnce(t, p); r.State != ops.StateOK {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
		})
	}
}

func TestProbeSeesConnectionsRunOut(t *testing.T) {
	s := testdb.Private(t, "mariadb", "--max-connections=10")
	db := s.Open(t, "")
	db.SetMaxOpenConns(0)
	for i := range 9 {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			alone(t, c)
		}
	}
	r := lookOnce(t, Probe{Target: targetOf(s), Threads: 0.8})
	if r.State != ops.StateCritical || r.Down || !strings.Contains(r.Detail.String(), "10 of 10") {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
}

// alone waits until a connection is the server's only one: those that were closed stay
// for a moment.
func alone(t *testing.T, c *sql.Conn) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var name, n string
		err := c.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &n)
		if err == nil && n == "1" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s connections are left, not one (%v)", n, err)
		}
	}
}

func TestProbeSeesTheServerStopAndComeBack(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			p := Probe{Target: targetOf(s)}
			if r := lookOnce(t, p); r.State != ops.StateOK {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
			s.Kill()
			if r := lookOnce(t, p); r.State != ops.StateCritical || !r.Down ||
				r.Detail.String() != "MySQL is down ("+p.Target.Addr+": connection refused)" {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
			s.Start(t)
			if r := lookOnce(t, p); r.State != ops.StateOK {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
		})
	}
}

// listen accepts connections and hands each to serve.
func listen(t *testing.T, serve func(net.Conn)) Target {
	t.Helper()
	at := testdb.Listen(t, func(c net.Conn) { defer c.Close(); serve(c) })
	return Target{Network: "tcp", Addr: at.String(), User: "root"}
}

func TestBadServersEndInASentence(t *testing.T) {
	quiet := make(chan struct{})
	defer close(quiet)
	for name, c := range map[string]struct {
		serve func(net.Conn)
		why   string
	}{
		"accepts and never greets": {func(net.Conn) { <-quiet }, "no response within "},
		"speaks garbage":           {func(c net.Conn) { c.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n")) }, ""},
		"hangs up":                 {func(net.Conn) {}, ""},
		"greets with an HTTP page": {func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			target := listen(t, c.serve)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			r := Probe{Target: target}.Health()(ctx)
			if r.State != ops.StateCritical || !r.Down || !strings.Contains(r.Why.String(), c.why) {
				t.Fatalf("%s: %s", r.State, r.Detail)
			}
			t.Log(r.Detail)
		})
	}
}

func TestAHeldConnectionThatDiedIsLost(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		conn, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var id int64
		if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, "", fmt.Sprintf("KILL CONNECTION %d", id))
		said := map[string]bool{}
		for range 5 {
			_, err := conn.ExecContext(t.Context(), "DO 1")
			if err == nil {
				t.Fatal("a killed connection answers")
			}
			if mysqlNumber := Number(err); mysqlNumber == 0 && !Lost(err) {
				t.Errorf("%v is not known as a lost connection", err)
			}
			said[err.Error()] = true
		}
		if !said[sql.ErrConnDone.Error()] {
			t.Errorf("database/sql never said that the connection is done, but %v", said)
		}
	})
}

// Logins in vain share what the work may wait for; one that succeeds costs nothing of it.
func TestLoginsShareOneWait(t *testing.T) {
	quiet := make(chan struct{})
	defer close(quiet)
	silent := listen(t, func(net.Conn) { <-quiet })
	ctx := LoginWithin(t.Context(), 700*time.Millisecond)
	for i, want := range []string{"no response within 700 ms", "no response within 100 ms", "no response within 100 ms"} {
		if _, err := Open(ctx, silent, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("login %d: %v, want %s", i, err, want)
		}
		if i == 0 {
			continue
		}
		if left := loginLimit(ctx); left != lastLogin {
			t.Errorf("after login %d a limit of %v is left", i, left)
		}
	}
	if got := loginLimit(t.Context()); got != dialTimeout {
		t.Errorf("without a bound: %v", got)
	}
}
