package watch

import (
	"context"
	"errors"
	"time"
)

// A run that failed is tried again: after firstRetry, then after twice as long each
// time, at most maxRetry, until attempts are used up or the next run is due.
const (
	firstRetry = 10 * time.Minute
	maxRetry   = 2 * time.Hour
	attempts   = 7
)

// finalError is a failure that trying again will not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Final marks the failure of a job as one that is not tried again: what it found is
// as it is. nil stays nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return finalError{err}
}

// RetryAt is when a run that failed is tried again; ok is false when it is not: it
// went well, nothing would change, or the next run of its schedule comes first.
func RetryAt(s Schedule, last Run) (at time.Time, ok bool) {
	if last.Result != Failed || last.Final || last.Attempt >= attempts {
		return time.Time{}, false
	}
	wait := firstRetry
	for i := 1; i < last.Attempt && wait < maxRetry; i++ {
		wait *= 2
	}
	at = last.Ended.Add(min(wait, maxRetry))
	next := s.Next(last.Due)
	if !next.IsZero() && !at.Before(next) {
		return time.Time{}, false
	}
	return at, true
}

// Try is which attempt at a due run a job is doing.
type Try struct {
	Due     time.Time
	Attempt int // 1 is the first
}

type tryKey struct{}

// TryOf is the attempt that a job's context belongs to; the zero Try outside of one.
func TryOf(ctx context.Context) Try {
	t, _ := ctx.Value(tryKey{}).(Try)
	return t
}

// next is the run to do now: the one that has come due, or another attempt at the
// one that failed.
func next(s Schedule, last Run, now time.Time) (t Try, is bool) {
	if due, is := Due(s, last, now); is {
		return Try{Due: due, Attempt: 1}, true
	}
	if at, ok := RetryAt(s, last); ok && !now.Before(at) {
		return Try{Due: last.Due, Attempt: max(last.Attempt, 1) + 1}, true
	}
	return Try{}, false
}

// IsFinal tells whether an error was marked by Final.
func IsFinal(err error) bool {
	var f finalError
	return errors.As(err, &f)
}
