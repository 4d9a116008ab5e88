package mysql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"opsdeck/ops/mysql/schema"
)

// How long a statement is retried that the server refused because of other sessions'
// locks. One wait for a lock can take all of patience, so leastTries are always made.
const (
	leastTries = 3
	patience   = time.Minute
	longPause  = 2 * time.Second
)

// Yields tells whether the server refused a statement because of other sessions' locks:
// it was the victim of a deadlock, or waited for a lock too long. The statement was
// rolled back and a retry can succeed. After a deadlock the whole transaction is rolled
// back; after a lock wait possibly the statement alone, so a caller inside a transaction
// must end that before it retries.
func Yields(err error) bool {
	switch Number(err) {
	case ErrLockWaitTimeout, ErrDeadlock:
		return true
	}
	return false
}

// deadlocked is Yields without the wait for a lock.
func deadlocked(err error) bool { return Number(err) == ErrDeadlock }

// Again runs act, and retries it for about a minute while its error is one of Yields.
// act must be one statement that is its own transaction, or safe to repeat as a whole.
// It returns the last error.
func Again(ctx context.Context, act func() error) error { return again(ctx, Yields, act) }

// AgainSoon is Again where somebody waits for the answer: it retries after a deadlock
// only, and returns a lock that was not free in the session's own time at once.
func AgainSoon(ctx context.Context, act func() error) error { return again(ctx, deadlocked, act) }

func again(ctx context.Context, worth func(error) bool, act func() error) error {
	pause := 20 * time.Millisecond
	for try, begun := 1, time.Now(); ; try++ {
		err := act()
		if !worth(err) || try >= leastTries && time.Since(begun) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): // so that two sessions do not collide again
		}
		pause = min(2*pause, longPause)
	}
}

// Define runs statements that are each their own transaction: DDL, and rows on a
// connection with autocommit. It retries those that Yields is true for.
func Define(ctx context.Context, c schema.Executor, statements ...string) error {
	return define(ctx, c, Yields, statements)
}

// DefineSoon is Define where somebody waits for the answer: it retries after a deadlock
// only, and reports a lock that was not free in the session's own time at once.
func DefineSoon(ctx context.Context, c schema.Executor, statements ...string) error {
	return define(ctx, c, deadlocked, statements)
}

func define(ctx context.Context, c schema.Executor, worth func(error) bool, statements []string) error {
	for _, q := range statements {
		err := again(ctx, worth, func() error {
			return Set(ctx, c, q)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Set runs a statement. A SET of sql_mode goes without the words of old servers that this
// one does not know and that change nothing.
func Set(ctx context.Context, c schema.Executor, statement string) error {
	_, err := c.ExecContext(ctx, statement)
	if shorter, ok := withoutOldModes(statement, err); ok {
		_, err = c.ExecContext(ctx, shorter)
	}
	return err
}

// DropDatabase drops a database, if it is there. Tables of OQGRAPH go first: DROP
// DATABASE opens the table that such a one shows, and then waits for itself to close
// it until the lock's time is over (seen on MariaDB 10.11). It refuses while the server
// waits for free space: whoever stops a command waits for its tidying up.
func DropDatabase(ctx context.Context, c schema.Executor, name string) error {
	if err := RefuseBlocked(ctx, c, Target{}); err != nil {
		return err
	}
	graphs, err := schema.All(
		ctx,
		c,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND ENGINE = 'OQGRAPH'",
		name,
	)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", name, err)
	}
	for _, g := range graphs {
		if err := DefineSoon(ctx, c, "DROP TABLE IF EXISTS "+schema.Name(name, g[0])); err != nil {
			return err
		}
	}
	return DefineSoon(ctx, c, "DROP DATABASE IF EXISTS "+schema.Ident(name))
}
