package mysql

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Fault is what keeps a client from working with a server. FaultOf is the only
// function that tells; the status check, the errors of all commands and the
// runbook go by it.
type Fault int

// The faults. NoFault is an error of another kind, and no error.
const (
	NoFault         Fault = iota
	Stopped               // nothing listens there
	NoAnswer              // it accepts connections and does not answer: hung or overloaded
	NoWay                 // no way to the host: name, network, firewall
	NotPermitted          // this user may not open the socket
	NotMySQL              // something else answers
	HungUp                // it ends the connection during the login, or ended it later
	ShuttingDown          // it is about to stop
	LoginRefused          // user or password refused
	AccountLocked         // ACCOUNT LOCK, or locked after failed logins
	PasswordExpired       // a new password must be set first
	Offline               // offline_mode
	TooMany               // max_connections is reached
	UserLimit             // a limit of the account is reached
	HostBlocked           // max_connect_errors is reached for this host
	HostRefused           // no account may log in from this host
	TLSRequired           // it accepts no connection without TLS
	TLSFailed             // TLS could not be agreed upon, or a certificate is not accepted
)

// faultNumbers are the errors by which a server refuses a login, by the number in
// mysqld_error.h of MySQL and of MariaDB.
var faultNumbers = map[uint16]Fault{
	ErrTooManyConnections: TooMany,
	ErrServerShutdown:     ShuttingDown,
	3168:                  ShuttingDown, // ER_SERVER_ISNT_AVAILABLE
	ErrAccessDenied:       LoginRefused,
	ErrNoPassword:         LoginRefused,
	1251:                  LoginRefused, // ER_NOT_SUPPORTED_AUTH_MODE
	1524:                  LoginRefused, // ER_PLUGIN_IS_NOT_LOADED
	1129:                  HostBlocked,  // ER_HOST_IS_BLOCKED
	1130:                  HostRefused,  // ER_HOST_NOT_PRIVILEGED
	1203:                  UserLimit,    // ER_TOO_MANY_USER_CONNECTIONS
	1226:                  UserLimit,    // ER_USER_LIMIT_REACHED
	ErrMustSetPassword:    PasswordExpired,
	ErrPasswordExpired:    PasswordExpired,
	ErrOffline:            Offline,
	3118:                  AccountLocked, // ER_ACCOUNT_HAS_BEEN_LOCKED
	3955:                  AccountLocked, // ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK
	4150:                  AccountLocked, // ER_USER_IS_BLOCKED (MariaDB)
	4151:                  AccountLocked, // ER_ACCOUNT_HAS_BEEN_LOCKED (MariaDB)
	3159:                  TLSRequired,   // ER_SECURE_TRANSPORT_REQUIRED
}

// FaultOf tells what an error says about the connection to a server.
func FaultOf(err error) Fault {
	if err == nil {
		return NoFault
	}
	if n := Number(err); n != 0 {
		return faultNumbers[n]
	}
	var dial *net.OpError
	var dns *net.DNSError
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return NoFault // of a file of ours, not of the connection
	case errors.Is(err, mysqldriver.ErrNoTLS), tlsError(err):
		return TLSFailed
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return Stopped
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return NotPermitted
	case errors.As(err, &dns), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return NoWay
	case errors.As(err, &dial) && dial.Op == "dial":
		return NoWay
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return NoAnswer
	case errors.Is(err, mysqldriver.ErrMalformPkt), errors.Is(err, mysqldriver.ErrPktSync),
		errors.Is(err, mysqldriver.ErrPktSyncMul), errors.Is(err, mysqldriver.ErrOldProtocol):
		return NotMySQL
	case errors.Is(err, mysqldriver.ErrUnknownPlugin), errors.Is(err, mysqldriver.ErrCleartextPassword),
		errors.Is(err, mysqldriver.ErrNativePassword), errors.Is(err, mysqldriver.ErrOldPassword):
		return LoginRefused
	case unreachable(err):
		return HungUp
	}
	return NoFault
}

// what is the sentence for people: a clause with a subject.
func (f Fault) what(t Target, err error) lang.Msg {
	switch {
	case t.blind(f) && f == LoginRefused:
		return lang.M("MySQL at %s refuses the user or the password: %s", t.String(), t.blindReason(f, err))
	case t.blind(f):
		return lang.M("cannot connect to MySQL (%s)", t.blindReason(f, err))
	}
	switch f {
	case LoginRefused:
		return t.refused()
	case AccountLocked:
		return lang.M("the MySQL account of %s is locked", t.String())
	case PasswordExpired:
		return lang.M("the MySQL password of %s has expired", t.String())
	case Offline:
		return lang.M("MySQL at %s is in offline mode and refuses its users", t.Addr)
	case TooMany:
		return lang.M("MySQL at %s has no free connection", t.Addr)
	case UserLimit:
		return lang.M("the MySQL account of %s has reached one of its limits", t.String())
	case HostBlocked:
		return lang.M("MySQL at %s blocks this host after too many connection errors", t.Addr)
	case HostRefused:
		return lang.M("MySQL at %s does not allow logins from this host", t.Addr)
	case TLSRequired:
		return lang.M("MySQL at %s does not accept connections without TLS", t.Addr)
	case TLSFailed:
		return lang.M("the TLS connection to MySQL at %s failed (%s)", t.Addr, Reason(err))
	case NotMySQL:
		return lang.M("the server at %s is not MySQL", t.Addr)
	case NotPermitted:
		return lang.M("this user has no permission to open the connection to MySQL at %s", t.Addr)
	case ShuttingDown:
		return lang.M("MySQL at %s is shutting down", t.Addr)
	case HungUp:
		if why := stalledLately(t.Addr); !why.empty() {
			return why.why
		}
	}
	return lang.M("MySQL at %s cannot be reached (%s)", t.Addr, Reason(err))
}

// code is the exit code for commands: what may pass by itself is worth another try.
func (f Fault) code() ops.Code {
	switch f {
	case LoginRefused, AccountLocked, PasswordExpired, HostBlocked, HostRefused, TLSRequired, TLSFailed, NotPermitted:
		return ops.Config
	}
	return ops.Busy
}

// hint is what to do next.
func (f Fault) hint(t Target, err error) lang.Msg {
	if t.blind(f) {
		return t.blindHint()
	}
	switch f {
	case LoginRefused:
		return t.refusedHint()
	case TLSFailed:
		_, hint := tlsReason(err)
		return hint
	case TLSRequired:
		return lang.M(
			"check the ssl- settings in the options file (database.options_file); steps: `opsdeck runbook mysql-down`",
		)
	case TooMany:
		return lang.M("see who holds the connections: `opsdeck runbook mysql-down`")
	case HungUp:
		if why := stalledLately(t.Addr); !why.empty() {
			return why.hint
		}
	case Stopped:
		return lang.M("is the server running? to start it: `opsdeck runbook mysql-down`")
	}
	return lang.M("what to do: `opsdeck runbook mysql-down`")
}

// explain is the fault as an error of a command.
func (f Fault) explain(err error, t Target) error {
	code := f.code()
	if t.blind(f) {
		code = ops.Config
	}
	return ops.Wrap(err, code, f.what(t, err)).WithHint(f.hint(t, err))
}

// result is the fault as the result of a status check. A server that refuses
// only our account may serve its application well: that is unknown, not down.
func (f Fault) result(t Target, err error) health.Result {
	switch {
	case t.blind(f) && f == LoginRefused:
		return health.CannotTell(lang.M("MySQL refuses opsdeck's login"), t.blindReason(f, err))
	case t.blind(f):
		return health.CannotTell(lang.M("cannot connect to MySQL"), t.blindReason(f, err))
	}
	switch f {
	case NoFault:
		return health.CannotTell(lang.M("cannot check MySQL"), Reason(err))
	case Stopped:
		return health.Broken(lang.M("MySQL is down"), t.reason(err))
	case NoWay:
		return health.Broken(lang.M("MySQL cannot be reached"), t.reason(err))
	case NoAnswer:
		return health.Broken(lang.M("MySQL does not respond"), t.reason(err))
	case HungUp:
		return health.Broken(lang.M("MySQL closes the connection during the login"), t.reason(err))
	case NotMySQL:
		return health.Broken(f.what(t, err), lang.Raw(firstLine(err.Error())))
	case ShuttingDown:
		return health.Broken(f.what(t, err), Reason(err))
	case TLSFailed:
		return health.CannotTell(lang.M("the TLS connection to MySQL fails"), Reason(err))
	case TooMany:
		return notDown(lang.M("MySQL has no free connections"), lang.M("max_connections is reached"))
	case Offline:
		return notDown(lang.M("MySQL is in offline mode and refuses its users"), Reason(err))
	case LoginRefused:
		return health.CannotTell(lang.M("MySQL refuses opsdeck's login"), t.refusedReason())
	}
	return health.CannotTell(f.what(t, err), Reason(err))
}

// reason says in a few words why a connection failed, and where to, unless the server is the
// machine's usual one.
func (t Target) reason(err error) lang.Msg {
	if t.usual() || t.Addr == "" {
		return Reason(err)
	}
	return lang.M("%s: %s", t.Addr, Reason(err))
}

// notDown is the result of a server that runs but serves nobody.
func notDown(headline, why lang.Msg) health.Result {
	r := health.Broken(headline, why)
	r.Down = false
	return r
}
