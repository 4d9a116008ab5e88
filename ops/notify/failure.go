package notify

import (
	"errors"
	"time"

	"opsdeck/ops"
)

// Failure is why a target did not take a message, and whether it may take it later.
type Failure struct {
	Retry bool          // a later try may do: a timeout, a refused connection, 429, 5xx
	After time.Duration // the target wants no try before; 0: it did not say
	Err   error
}

// Error is the cause, which holds no secret.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Retryable tells whether a later try of the same message may do. What is not
// known to be final may: a message that is dropped is worse than one tried in vain.
func Retryable(err error) bool {
	var f *Failure
	if errors.As(err, &f) {
		return f.Retry
	}
	return err != nil && ops.CodeOf(err) != ops.Config
}

// RetryAfter is how long the target wants to be left alone; 0: it did not say.
func RetryAfter(err error) time.Duration {
	var f *Failure
	if errors.As(err, &f) {
		return f.After
	}
	return 0
}

// refused is a failure that no retry mends.
func refused(err error) error { return &Failure{Err: err} }

// later is a failure that a retry may mend.
func later(err error, after time.Duration) error {
	return &Failure{Retry: true, After: after, Err: err}
}
