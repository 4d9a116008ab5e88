package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
)

// tlsError tells whether TLS itself failed.
func tlsError(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var shown *certificateError
	return errors.As(err, &shown) || errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &name) ||
		errors.As(err, &invalid) || errors.As(err, &record) || alert(err) != ""
}

// alert is what the server, or our side, has said as it ended the handshake.
func alert(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return op.Err.Error()
	}
	var quic tls.AlertError
	if errors.As(err, &quic) {
		return quic.Error()
	}
	return ""
}

// tlsReason says in a few words why TLS failed, and what to do about it.
func tlsReason(err error) (why, hint lang.Msg) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var shown *certificateError
	said := alert(err)
	switch {
	case errors.Is(err, mysqldriver.ErrNoTLS):
		return lang.M("the server does not offer TLS"),
			lang.M(
				"enable TLS on the server (ssl_cert, ssl_key), or remove the setting that requires it from the " +
					"options file (database.options_file)",
			)
	case errors.As(err, &authority):
		return lang.M("the server's certificate was not issued by the trusted CA"),
			lang.M(
				"set ssl-ca in the options file to the CA's certificate (on the server: SHOW VARIABLES LIKE 'ssl_ca')",
			)
	case errors.As(err, &name):
		return lang.M("the server's certificate is for %s, not for %s", certified(name.Certificate), name.Host),
			lang.M(
				"set host in the options file to a name in the certificate, or check only the CA with " +
					"ssl-mode=VERIFY_CA",
			)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c := invalid.Cert
		return lang.M(
				"the server's certificate is only valid from %s to %s",
				c.NotBefore.UTC().Format(time.RFC3339),
				c.NotAfter.UTC().Format(time.RFC3339),
			),
			lang.M(
				"renew the certificate on the server; if it is valid, set the clock of this machine",
			)
	case strings.Contains(said, "certificate"):
		return lang.M("the server does not accept the client certificate: %s", strings.TrimPrefix(said, "tls: ")),
			lang.M(
				"set ssl-cert and ssl-key in the options file to a pair that the server's CA has signed and that " +
					"has not expired",
			)
	case errors.As(err, &shown):
		return lang.M(
				"the server closed the connection after the client certificate was sent: it probably does not accept " +
					"it",
			),
			lang.M(
				"set ssl-cert and ssl-key in the options file to a pair that the server's CA has signed and that " +
					"has not expired",
			)
	case strings.Contains(said, "protocol version"),
		err != nil && strings.Contains(err.Error(), "unsupported protocol version"):
		return lang.M("the server and opsdeck have no TLS version in common"),
			lang.M("compare tls-version in the options file with tls_version of the server")
	}
	return lang.Raw(
			firstLine(err.Error()),
		), lang.M(
			"check the ssl- settings in the options file (database.options_file); steps: `opsdeck runbook mysql-down`",
		)
}

// certified are the names that a certificate is for.
func certified(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return c.Subject.CommonName
	}
	return strings.Join(names, ", ")
}

// unencrypted tells whether the login goes without TLS, so that an account with
// REQUIRE SSL is refused as a wrong password is.
func (t Target) unencrypted() bool { return t.NoTLS || t.Network == "unix" && t.TLS == nil }

// certificate tells whether a client certificate is shown; an account with REQUIRE
// X509 is refused without one as a wrong password is.
func (t Target) certificate() bool { return t.TLS != nil && len(t.TLS.Certificates) > 0 }

// refused is the sentence for a login that the server refuses. It does not tell
// which of two reasons it has.
func (t Target) refused() lang.Msg {
	switch {
	case t.unencrypted():
		return lang.M(
			"MySQL at %s refuses the user or the password, or the account requires TLS (REQUIRE SSL), which is "+
				"off here",
			t.String(),
		)
	case !t.certificate():
		return lang.M(
			"MySQL at %s refuses the user or the password, or the account requires a client certificate (REQUIRE "+
				"X509), and none is set",
			t.String(),
		)
	}
	return lang.M("MySQL at %s refuses the user, the password or the client certificate", t.String())
}

// refusedHint is what to do about it.
func (t Target) refusedHint() lang.Msg {
	switch {
	case t.unencrypted():
		return lang.M(
			"check user and password in the options file (database.options_file); for an account with REQUIRE SSL " +
				"set ssl-mode=REQUIRED there instead of skip-ssl",
		)
	case !t.certificate():
		return lang.M(
			"check user and password in the options file (database.options_file); for an account with REQUIRE X509 " +
				"set ssl-cert and ssl-key there",
		)
	}
	return lang.M("check user, password, ssl-cert and ssl-key in the options file (database.options_file)")
}

// refusedReason is the same in a few words, for the status check.
func (t Target) refusedReason() lang.Msg {
	switch {
	case t.unencrypted():
		return lang.M("user or password refused for %s, or REQUIRE SSL and TLS is off", t.String())
	case !t.certificate():
		return lang.M("user or password refused for %s, or REQUIRE X509 and no client certificate", t.String())
	}
	return lang.M("user, password or client certificate refused for %s", t.String())
}

// certificateError is a login that broke right after the client certificate was shown.
type certificateError struct{ err error }

func (e *certificateError) Error() string {
	return "after the client certificate was shown: " + e.err.Error()
}

func (e *certificateError) Unwrap() error { return e.err }

// connectLog hears what the driver only writes to its log: with TLS 1.3 the server looks at
// the client certificate after the handshake, and its alert may be lost when it has
// closed the connection before we write.
type connectLog struct {
	heard atomic.Pointer[error] // of TLS
	broke atomic.Pointer[error] // of the line
}

// says is what a failed login comes to. certificate tells whether one was shown.
func (e *connectLog) says(err error, certificate bool) error {
	heard := e.heard.Load()
	broke := e.broke.Load()
	switch {
	case Number(err) != 0:
		return err
	case heard != nil:
		return *heard
	case broke != nil && certificate:
		return &certificateError{*broke}
	case broke != nil:
		return fmt.Errorf("%w: %w", mysqldriver.ErrInvalidConn, *broke)
	}
	return err
}

// Print takes what the driver logs.
func (e *connectLog) Print(all ...any) {
	for _, v := range all {
		if err, ok := v.(error); ok && tlsError(err) {
			e.heard.CompareAndSwap(nil, &err)
		} else if ok {
			e.broke.CompareAndSwap(nil, &err)
		}
	}
}
