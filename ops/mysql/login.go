package mysql

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// loginKey is the key of a context's login budget.
type loginKey struct{}

// loginBudget is how long work may wait in all for logins that do not succeed.
type loginBudget struct {
	mu   sync.Mutex
	left time.Duration
}

// lastLogin is what a login gets when the budget is spent: a server that lives greets at once.
const lastLogin = 100 * time.Millisecond

// LoginWithin bounds how long work with the context waits for a server that does not let it in:
// d for all of its logins together, since whoever waits for one in vain waits for the next in
// vain. Logins that succeed cost nothing of it.
func LoginWithin(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, loginKey{}, &loginBudget{left: d})
}

// loginLimit is how long a login with the context may take.
func loginLimit(ctx context.Context) time.Duration {
	b, ok := ctx.Value(loginKey{}).(*loginBudget)
	if !ok {
		return dialTimeout
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(dialTimeout, max(lastLogin, b.left))
}

// loginFailed takes the time of a failed login off the context's budget.
func loginFailed(ctx context.Context, took time.Duration) {
	b, ok := ctx.Value(loginKey{}).(*loginBudget)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= took
}

// silentError is a login that was not answered in time.
type silentError struct {
	within time.Duration
	cause  error
}

func (e *silentError) Error() string {
	return fmt.Sprintf("no answer within %v: %v", e.within, e.cause)
}
func (e *silentError) Unwrap() error { return e.cause }
