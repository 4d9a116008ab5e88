package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"syscall"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Server error numbers that opsdeck acts on; names as in mysqld_error.h.
const (
	ErrTooManyConnections = 1040
	ErrDBAccessDenied     = 1044
	ErrAccessDenied       = 1045
	ErrBadDB              = 1049
	ErrServerShutdown     = 1053
	ErrDuplicateKey       = 1062
	ErrTableAccessDenied  = 1142
	ErrNoSuchTable        = 1146
	ErrNoPassword         = 1698 // an account that is known by its socket alone, or has no password
	ErrLockWaitTimeout    = 1205
	ErrDeadlock           = 1213
	ErrUnknownVariable    = 1193
	ErrSpecificAccess     = 1227
	ErrOptionReadOnly     = 1290
	ErrQueryInterrupted   = 1317
	ErrTableDefChanged    = 1412
	ErrMustSetPassword    = 1820 // an expired password, told at the first statement
	ErrPasswordExpired    = 1862 // the same, told at the login
	ErrConnectionKilled   = 1927 // MariaDB
	ErrOffline            = 3032
)

// noRoom are the errors of a full disk; those of errorNumber only when the system's
// number for it stands in their text.
var noRoom = map[uint16]bool{1021: true, 1114: true, 1878: true}

var errorNumber = regexp.MustCompile(`(?i)\berr(no|code|or)?:? *28\b`)

func fullDisk(err error) bool {
	n := Number(err)
	return noRoom[n] || n != 0 && errorNumber.MatchString(err.Error())
}

// Number is the server's error number in an error's chain, or 0.
func Number(err error) uint16 {
	var e *mysqldriver.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// Lost tells whether an error means that the connection is gone, rather than
// that the server refused something. A held sql.Conn says ErrBadConn once, and
// sql.ErrConnDone to whoever uses it afterwards.
func Lost(err error) bool {
	var op *net.OpError
	return errors.Is(err, mysqldriver.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) ||
		errors.As(err, &op) ||
		Number(err) == ErrServerShutdown
}

// Broke tells whether an error means that a connection to this target broke, and not one
// to another program.
func (t Target) Broke(err error) bool {
	var op *net.OpError
	return errors.Is(err, mysqldriver.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.As(err, &op) && op.Addr != nil && op.Addr.String() == t.Addr
}

// Circumstance tells whether an error is of the server's state or of the way to it, and
// would not come again where these are well: the connection broke, somebody ended it, a
// lock was held, the disk is full. It says nothing of the data that were worked on.
func Circumstance(err error) bool {
	switch Number(err) {
	case ErrQueryInterrupted, ErrConnectionKilled, ErrLockWaitTimeout, ErrDeadlock:
		return true
	}
	var full *noRoomError
	switch {
	case Lost(err), fullDisk(err), ReadOnlyBy(err) != "", errors.As(err, &full):
		return true
	case errors.Is(err, mysqldriver.ErrMalformPkt),
		errors.Is(err, mysqldriver.ErrPktSync),
		errors.Is(err, mysqldriver.ErrPktSyncMul):
		return true
	}
	return faultNumbers[Number(err)] != NoFault
}

// Explain makes an *ops.Error of whatever went wrong when a server was reached.
// An error that is one already, and nil, come back as they are.
func Explain(err error, t Target) error {
	var known *ops.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return ops.Wrap(err, ops.Interrupted, lang.M("interrupted"))
	}
	if packet := explainPacket(err); packet != nil {
		return packet
	}
	if f := FaultOf(err); f != NoFault {
		return f.explain(err, t)
	}
	switch Number(err) {
	case ErrDBAccessDenied, ErrTableAccessDenied, ErrSpecificAccess:
		return ops.Wrap(err, ops.Config, lang.M("the user %s lacks a required privilege", t.User)).
			WithHint(lang.M("`opsdeck doctor` lists the missing privileges"))
	case ErrBadDB:
		return ops.Wrap(err, ops.Config, lang.M("the server at %s has no such database", t.Addr)).
			WithHint(lang.M("check database.name in the configuration"))
	case ErrQueryInterrupted, ErrConnectionKilled:
		return ops.Wrap(err, ops.Failed, lang.M("opsdeck's statement on the server at %s was ended with KILL", t.Addr)).
			WithHint(lang.M("find out who ended it and why, then run it again"))
	}
	if ReadOnlyBy(err) != "" {
		return explainReadOnly(err)
	}
	if fullDisk(err) {
		return ops.Wrap(err, ops.Failed, lang.M("the server at %s has no space left: its disk is full, or a table "+
			"has reached its size limit", t.Addr)).
			WithHint(lang.M("free space on the server, then run the same command again"))
	}
	return ops.Wrap(err, ops.Failed, lang.M("MySQL at %s reports an error", t.Addr))
}

// unreachable tells of errors that come from the way to the server or from
// something else that answers there, not from the server or from ourselves.
func unreachable(err error) bool {
	var n net.Error
	var number syscall.Errno
	return Lost(err) || errors.As(err, &n) || errors.As(err, &number) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, mysqldriver.ErrMalformPkt) || errors.Is(err, mysqldriver.ErrPktSync) ||
		errors.Is(
			err,
			mysqldriver.ErrPktSyncMul,
		) || errors.Is(err, mysqldriver.ErrUnknownPlugin) || errors.Is(err, mysqldriver.ErrOldProtocol)
}

// leastWait is the shortest wait that says something of a server that does not respond.
const leastWait = 100 * time.Millisecond

// Reason says in a few words why a connection failed.
func Reason(err error) lang.Msg {
	var dns *net.DNSError
	var file *fs.PathError
	var silent *silentError
	switch {
	case errors.As(err, &file):
		return lang.Raw(file.Err.Error())
	case errors.As(err, &silent) && silent.within < leastWait:
		return lang.M("the time limit was over before it could respond")
	case errors.As(err, &silent):
		return lang.M("no response within %s", human.Duration(silent.within))
	case errors.Is(err, mysqldriver.ErrNoTLS), tlsError(err):
		why, _ := tlsReason(err)
		return why
	case errors.Is(err, syscall.ECONNREFUSED):
		return lang.M("connection refused")
	case errors.Is(err, syscall.ENOENT):
		return lang.M("no such socket")
	case errors.Is(err, syscall.EACCES):
		return lang.M("permission denied")
	case errors.As(err, &dns):
		return lang.M("name not found")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return lang.M("timed out without a response")
	case errors.Is(err, mysqldriver.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return lang.M("the connection broke")
	case errors.Is(err, mysqldriver.ErrMalformPkt), errors.Is(err, mysqldriver.ErrPktSync):
		return lang.M("the server that answers is not MySQL")
	}
	var server *mysqldriver.MySQLError
	if errors.As(err, &server) {
		return lang.Raw(firstLine(server.Error()))
	}
	return lang.Raw(firstLine(err.Error()))
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
