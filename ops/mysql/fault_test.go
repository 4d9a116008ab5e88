package mysql

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// TestEachFaultOfARealServerIsNamed brings a real server into each state in which
// it refuses or does not answer, and asks both the status check and a command.
func TestEachFaultOfARealServerIsNamed(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) { nameFaults(t, flavour) })
	}
}

// refused is a fault of a server that runs.
type refused struct {
	fault      Fault
	state      ops.State
	says       string
	prepare    []string
	afterwards string
	flavour    string // "" is both
	plain      bool   // without TLS
}

func nameFaults(t *testing.T, flavour string) {
	s := testdb.Private(t, flavour)
	user := "CREATE USER u@'%' IDENTIFIED BY 'pw'"
	for _, c := range []refused{
		{LoginRefused, ops.StateUnknown, "refuses opsdeck's login", []string{"CREATE USER u@'%' IDENTIFIED BY " +
			"'other'"}, "", "", false},
		{AccountLocked, ops.StateUnknown, "locked", []string{user, "ALTER USER u@'%' ACCOUNT LOCK"}, "", "", false},
		{PasswordExpired, ops.StateUnknown, "expired", []string{user, "ALTER USER u@'%' PASSWORD EXPIRE"}, "", "",
			false},
		{Offline, ops.StateCritical, "offline mode", []string{user, "SET GLOBAL offline_mode = ON"},
			"SET GLOBAL offline_mode = OFF", "mysql", false},
		{TLSRequired, ops.StateUnknown, "without TLS", []string{user, "SET GLOBAL require_secure_transport = ON"},
			"SET GLOBAL require_secure_transport = OFF", "mysql", true},
		{UserLimit, ops.StateUnknown, "limits", []string{user, "ALTER USER u@'%' WITH MAX_CONNECTIONS_PER_HOUR 1"}, "",
			"", false},
	} {
		if c.flavour != "" && c.flavour != flavour {
			continue
		}
		s.Exec(t, "", c.prepare...)
		target := targetOf(s)
		target.User, target.Password, target.NoTLS = "u", "pw", c.plain
		if c.fault == UserLimit { // one is allowed
			if db, err := Open(t.Context(), target, ""); err == nil {
				db.Close()
			}
		}
		faultIs(t, target, c.fault, c.state, c.says)
		if c.fault == Offline { // which lets in an administrator, for whom all else is well
			r := lookOnce(t, Probe{Target: targetOf(s)})
			if r.State != c.state || !strings.Contains(r.Detail.String(), c.says) {
				t.Errorf("for an administrator: %s: %s", r.State, r.Detail)
			}
		}
		if c.afterwards != "" {
			db, err := Open(t.Context(), targetOf(s), "") // with TLS, where that is required
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), c.afterwards); err != nil {
				t.Fatal(err)
			}
			db.Close()
		}
		s.Exec(t, "", "DROP USER u@'%'")
	}
	target := targetOf(s)
	if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	faultIs(t, target, NoAnswer, ops.StateCritical, "MySQL does not respond ("+target.Addr+": no response within ")
	if err := syscall.Kill(s.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	faultIs(t, target, Stopped, ops.StateCritical, "MySQL is down ("+target.Addr+": connection refused)")
	faultIs(
		t,
		Target{Network: "unix", Addr: "/nowhere/mysqld.sock", User: "u"},
		Stopped,
		ops.StateCritical,
		"no such socket",
	)
}

func faultIs(t *testing.T, target Target, want Fault, state ops.State, says string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	if want == NoAnswer {
		ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	}
	defer cancel()
	asked := NoFault
	next := func(f Fault) lang.Msg { asked = f; return lang.M("Steps: %s", "x") }
	r := Probe{Target: target, Next: next}.Health()(ctx)
	if asked != want || r.State != state || !strings.Contains(r.Detail.String(), says) || r.Lost {
		t.Errorf("fault %d, want %d: %s: %s", asked, want, r.State, r.Detail)
	}
	if r.Down != (want == NoAnswer || want == Stopped) {
		t.Errorf("fault %d: down %v: %s", want, r.Down, r.Detail)
	}
	if want == NoAnswer {
		return // a command would wait for DialTimeout
	}
	_, err := Facts(ctx, target, "x")
	if FaultOf(err) != want {
		t.Errorf("a command got %v: fault %d, want %d", err, FaultOf(err), want)
	}
}

func TestErrorsOfFilesAreNoFaultOfTheServer(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/b/x.sql.gz", Err: syscall.ENOSPC}
	for _, err := range []error{nil, full,
		fmt.Errorf("dump: %w", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}), fmt.Errorf("x")} {
		if f := FaultOf(err); f != NoFault {
			t.Errorf("%v: fault %d", err, f)
		}
	}
	if FaultOf(io.ErrUnexpectedEOF) == Stopped {
		t.Error("a connection that broke is no server that is stopped")
	}
}
