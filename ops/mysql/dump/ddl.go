package dump

import (
	"context"
	"database/sql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// holdDefinitions blocks DDL while the dump runs, if the server supports it and the user may.
// A connection of its own holds the lock until release: it sends a statement now and then, and
// the server ends it when it does not, so migrations do not wait for a line that has stalled.
// DDL that comes then is found by the definitions, as on servers without this lock.
func (d *dumper) holdDefinitions(ctx context.Context, db *sql.DB) (release func(), err error) {
	none := func() {}
	if d.maria {
		return none, nil
	}
	c, err := connect(ctx, db, d.opts.LockWait)
	if err != nil { // this user may have too few connections
		return none, ctx.Err()
	}
	err = (&snapshotter{control: c}).idle(ctx, lockIdle)
	if err == nil {
		err = execute(ctx, c, "LOCK INSTANCE FOR BACKUP")
	}
	if err == nil {
		return beat(ctx, c), nil
	}
	c.Close()
	switch {
	case denied(err) || unknown(err):
		return none, nil
	case mysql.Number(err) == mysql.ErrLockWaitTimeout:
		return none, ops.Wrap(err, ops.Busy, lang.M("another session is changing table definitions; the backup "+
			"would be inconsistent")).
			WithHint(lang.M("wait until the migration has finished, or wait longer with --lock-wait"))
	}
	return none, err
}

// beat sends statements over a connection so that the server keeps it, until stop, which closes
// it.
func beat(ctx context.Context, c *sql.Conn) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait(ctx, lockIdle/4) == nil && execute(ctx, c, "DO 1") == nil {
		}
	}()
	return func() {
		cancel()
		<-ended
		c.Close()
	}
}
