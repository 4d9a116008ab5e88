package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// locks takes the write locks of the live tables. The server gives them when no transaction
// is open on any of the tables: also of sessions that this user cannot see, or that have
// another default database. While they are held, nobody can write.
type locks struct {
	*link
	sessions *Sessions
}

// Locked runs do with the locks. It waits at most the given time for the transactions of
// others: run.HeldError. run.ErrNoLocks where they cannot be had, and nothing is known.
func (l *locks) Locked(ctx context.Context, p *restore.Plan, wait time.Duration, do func(context.Context) error) error {
	c, err := l.conn(ctx, "", wait)
	if err != nil {
		return err
	}
	names, err := tables(ctx, c, p.Target.Live)
	if err != nil {
		c.Close()
		return err
	}
	release, err := lockTables(ctx, c, p.Target.Live, inScopeNames(names, p.Tables))
	if err == nil {
		defer release()
		return do(ctx)
	}
	defer c.Close()
	if mysql.Number(err) != mysql.ErrLockWaitTimeout {
		return err
	}
	h, lookErr := l.sessions.holdersOf(ctx, c, nil, p.Target.Live)
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	return &run.HeldError{Text: lang.M("a transaction is open on tables of %s: %s", p.Target.Live, h.text()),
		Sessions: h.list}
}

// inScopeNames are the names in scope; an empty scope is all of them.
func inScopeNames(names, scope []string) (out []string) {
	for _, n := range names {
		if len(scope) == 0 || slices.Contains(scope, n) {
			out = append(out, n)
		}
	}
	return out
}

// lockTables takes the write locks of tables; release gives them back, and closes the
// connection. The error is run.ErrNoLocks where a table cannot be locked for another reason
// than somebody's lock: a missing privilege, a damaged table, an engine without locks.
func lockTables(ctx context.Context, c *sql.Conn, in string, names []string) (release func(), err error) {
	release = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// A connection that is lost has lost its locks.
		_, _ = c.ExecContext(ctx, "UNLOCK TABLES")
		c.Close()
	}
	if len(names) == 0 {
		return release, nil
	}
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = restore.Name(in, n) + " WRITE"
	}
	_, err = c.ExecContext(ctx, "LOCK TABLES "+strings.Join(list, ", "))
	switch n := mysql.Number(err); {
	case err == nil:
		return release, nil
	case n == 0 || n == mysql.ErrLockWaitTimeout || mysql.Lost(err):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", run.ErrNoLocks, err)
}

// renameUnwritten is rename for tables that nobody may have written to: the look is asked while
// the write locks are held, and the RENAME is queued before they are given back. No writer
// comes between: the server prefers whoever waits for an exclusive lock.
func (e *Exchange) renameUnwritten(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	moves []restore.Move,
	guard run.Guard,
) (time.Duration, error) {
	look, err := guard(ctx)
	if err != nil {
		return 0, err
	}
	wait := time.Duration(p.LockWait)
	holder, err := e.conn(ctx, "", wait)
	if err != nil {
		return 0, err
	}
	var leaving []string
	for _, m := range moves {
		if m.From == p.Target.Live {
			leaving = append(leaving, m.Table)
		}
	}
	release, err := lockTables(ctx, holder, p.Target.Live, leaving)
	if err != nil {
		err = e.sessions.held(ctx, holder, p.Target.Live, err)
		holder.Close()
		if !errors.Is(err, run.ErrNoLocks) {
			return 0, err
		}
		if err := look(ctx); err != nil {
			return 0, err
		}
		return e.rename(ctx, c, moves, wait)
	}
	if err := look(ctx); err != nil {
		release()
		return 0, err
	}
	if len(leaving) == 0 {
		release()
		return e.rename(ctx, c, moves, wait)
	}
	id, err := schema.One(ctx, c, "SELECT CONNECTION_ID()")
	if err != nil {
		release()
		return 0, err
	}
	type renamed struct {
		took time.Duration
		err  error
	}
	done := make(chan renamed, 1)
	go func() {
		took, err := e.rename(ctx, c, moves, wait)
		done <- renamed{took, err}
	}()
	e.queued(ctx, holder, id)
	release()
	r := <-done
	return r.took, r.err
}

// queuedFor is the longest time to wait for a statement to be in the server's queue. It gets
// there in milliseconds.
const queuedFor = 2 * time.Second

// queued waits until a session waits for a lock. Where that is not visible, time passes.
func (e *Exchange) queued(ctx context.Context, c *sql.Conn, id string) {
	for end := time.Now().Add(queuedFor); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		rows, err := schema.All(ctx, c, "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND "+
			"STATE LIKE 'Waiting for%lock%'", id)
		if err != nil || len(rows) > 0 {
			return
		}
	}
}
