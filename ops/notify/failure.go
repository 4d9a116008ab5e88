package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// failure is why a target did not take a message, and whether it may take it later.
// It holds no secret.
type failure struct {
	Retry bool          // a later try may do: a timeout, a refused connection, 429, 5xx
	After time.Duration // the target wants no try before; 0: it did not say
	// Content tells that the target does not accept what is in this message: others it may.
	Content bool
	Why     lang.Msg
	Err     error // the cause; may be nil
}

// Error is the reason in English.
func (f *failure) Error() string { return f.Why.String() }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.Err }

// Retryable tells whether a later try of the same message may do. What is not
// known to be final may: a message that is dropped is worse than one tried in vain.
func Retryable(err error) bool {
	var f *failure
	if errors.As(err, &f) {
		return f.Retry
	}
	return err != nil && ops.CodeOf(err) != ops.Config
}

// Reason is why a target did not take a message, in English, without the target's name.
func Reason(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.Error()
	}
	return err.Error()
}

// ForItsContent tells whether the target refuses this message for what is in it, and may
// take others.
func ForItsContent(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.Content
}

// RetryAfter is how long the target wants to be left alone; 0: it did not say.
func RetryAfter(err error) time.Duration {
	var f *failure
	if errors.As(err, &f) {
		return f.After
	}
	return 0
}

// permanent is a failure that no retry mends.
func permanent(why lang.Msg) *failure { return &failure{Why: why} }

// unacceptable is a failure that no retry of the same message mends.
func unacceptable(why lang.Msg) *failure { return &failure{Content: true, Why: why} }

// temporary is a failure that a retry may mend.
func temporary(after time.Duration, why lang.Msg) *failure {
	return &failure{Retry: true, After: after, Why: why}
}

// connectionFailed is the failure of a connection, in a few words, without the address: a
// webhook's URL is a secret.
func connectionFailed(err error) *failure {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &failure{Retry: true, Why: reason(err), Err: err}
}

func reason(err error) lang.Msg {
	var (
		dns     *net.DNSError
		network net.Error
		record  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return lang.M("connection refused")
	case errors.Is(err, os.ErrNotExist):
		return lang.M("no such socket")
	case errors.As(err, &record):
		return lang.M("the server does not use TLS")
	case errors.As(err, &dns):
		return lang.M("name not found")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return lang.M("timed out without a response")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return lang.M("the connection broke")
	case untrusted(err):
		return lang.M("the TLS certificate is not trusted: %s", err.Error())
	}
	return lang.Raw(err.Error())
}

func untrusted(err error) bool {
	var (
		checked *tls.CertificateVerificationError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	return errors.As(err, &checked) || errors.As(err, &host) || errors.As(err, &unknown) || errors.As(err, &invalid)
}
